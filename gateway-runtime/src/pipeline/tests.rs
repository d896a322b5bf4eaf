//! Whole gateways over real sockets, with back ends that behave and back ends that do not.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set its scene should stop"
)]

mod answers;
mod failures;
mod order;
mod scene;
mod through;
mod websocket;
