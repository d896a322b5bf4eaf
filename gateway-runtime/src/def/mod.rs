//! The tables of an emitted crate: inert, `'static`, `const`. No logic beyond the constructors that keep emitted rows short.
//!
//! Everything here is decided: every default has been applied by the generator, so an absent feature is `None` or an empty
//! list and never "use your default". Texts that embed a language ([`expr`](crate::expr), [`path`](crate::path),
//! [`pattern`](crate::pattern)) are kept as written; they were parsed once by the generator, so parsing them again when a
//! gateway starts cannot fail, and the emitted crate stays readable.
//!
//! References form a DAG (operation → upstream); nothing here points back.

mod content;
mod gateway;
mod integration;
mod operation;
mod parameter;
mod policy;
mod response;
mod schema;
mod stage;
mod upstream;

pub use content::*;
pub use gateway::*;
pub use integration::*;
pub use operation::*;
pub use parameter::*;
pub use policy::*;
pub use response::*;
pub use schema::*;
pub use stage::*;
pub use upstream::*;

/// The shape of these tables. It grows when a change here makes older emitted crates wrong; [`requires_layout`] then stops their build.
pub const LAYOUT: u32 = 3;

/// Stops the build of a crate that was emitted for tables of another shape.
pub const fn requires_layout(made_for: u32) {
    assert!(
        made_for == LAYOUT,
        "this crate was generated for another version of gateway-runtime: run `gateway-codegen generate` again"
    );
}
