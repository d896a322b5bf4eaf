//! Messages are held to what the document says of them: parameters and bodies of requests, and, where that is asked for, answers.
//!
//! Parameters, forms and texts become JSON ([`value`], [`parameter`], [`form`]), and one engine ([`crate::schema`]) checks all of
//! it; a JSON body is checked where it lies. What was checked is what is sent on, byte for byte.
//!
//! Invariants: an operation with nothing to check has no [`Validation`], and costs nothing; a body is gathered only if there is
//! something to check of it, up to the operation's limit; faults name places and rules, never values. Absent on purpose:
//! defaults are not filled in, and parameters that nobody declared are not looked at.

mod body;
mod form;
mod media;
mod parameter;
mod parts;
#[cfg(test)]
mod tests;
mod tree;
mod value;

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;

use body::{Contents, Looked};
use parameter::{Found, Parameter, Texts};
use value::Wrong;

use crate::def::{
    ErrorDialect, GatewayDef, Messages, Mode, OperationDef, PolicyDef, ResponseDef, Rules,
    StatusDef,
};
use crate::exchange::{Exchange, Gathered, Reply, Room, field};
use crate::pipeline::Journey;
use crate::refusal::{Fault, FaultPlace, Faults, Refusal};
use crate::schema::{self, Root, Schemas, Scratch, Violations};
use crate::spare::Spare;

/// Bytes of an answer that are gathered to be checked; a longer one cannot be.
const LONGEST_ANSWER: usize = 10 << 20;

/// What is checked of the messages of one operation on one stage.
#[derive(Debug)]
pub(crate) struct Validation {
    params: Option<(Mode, Vec<Parameter>)>,
    body: Option<(Mode, RequestBody)>,
    response: Option<(Mode, Vec<Response>)>,
    /// Whether Amazon's rules hold: what no model speaks of passes, and a body that is missing is `{}`.
    lenient: bool,
}

/// What requests carry.
#[derive(Debug)]
struct RequestBody {
    required: bool,
    contents: Contents,
}

/// What some answers are.
#[derive(Debug)]
struct Response {
    status: StatusDef,
    headers: Vec<Parameter>,
    contents: Contents,
}

impl Validation {
    /// Makes the checks of an operation ready; `None`: there is nothing to check.
    ///
    /// # Errors
    /// With what is wrong with its schemas; the generator has refused those before.
    pub(crate) fn start(
        gateway: &GatewayDef,
        operation: &'static OperationDef,
        policy: &PolicyDef,
        schemas: &mut Schemas,
    ) -> Result<Option<Box<Validation>>, schema::Fault> {
        let asked = policy.validate;
        let mut validation = Validation {
            params: None,
            body: None,
            response: None,
            lenient: gateway.errors == ErrorDialect::Aws,
        };
        if asked.params != Mode::Off {
            let list = Parameter::all(operation.parameters, schemas)?;
            validation.params = Some((asked.params, list)).filter(|(_, list)| !list.is_empty());
        }
        if let (Some(def), true) = (operation.body, asked.body != Mode::Off) {
            let body = RequestBody {
                required: def.required,
                contents: Contents::start(def.content, schemas)?,
            };
            validation.body = Some((asked.body, body));
        }
        if asked.response != Mode::Off && !operation.responses.is_empty() {
            let list = operation.responses.iter();
            let list = list.map(|def| Response::start(def, schemas));
            validation.response = Some((asked.response, list.collect::<Result<_, _>>()?));
        }
        let any = validation.params.is_some()
            || validation.body.is_some()
            || validation.response.is_some();
        Ok(any.then(|| Box::new(validation)))
    }

    /// Whether a request may be waited for, to have its body.
    pub(crate) fn gathers(&self) -> bool {
        self.body.is_some()
    }

    /// Whether answers are checked.
    pub(crate) fn checks_answers(&self) -> bool {
        self.response.is_some()
    }

    /// Checks the parameters of a request.
    pub(crate) fn params(&self, j: &mut Journey<'_>) -> Result<(), Refusal> {
        let Some((mode, list)) = &self.params else {
            return Ok(());
        };
        let mut faults = Faults::default();
        let texts = Texts::Of(j.exchange);
        look_at(
            list,
            texts,
            &j.gateway.schemas,
            Messages::Requests,
            &mut faults,
        );
        if faults.is_empty() {
            return Ok(());
        }
        j.outcome.invalid.params = *mode;
        settle(*mode, faults, Refusal::BadParameters, j)
    }

    /// Checks the body of a request.
    pub(crate) async fn body(&self, j: &mut Journey<'_>) -> Result<(), Refusal> {
        let Some((mode, body)) = &self.body else {
            return Ok(());
        };
        let refused = match body
            .look_at(
                j.exchange,
                &j.gateway.schemas,
                &j.gateway.room,
                self.lenient,
            )
            .await?
        {
            Ok(faults) if faults.is_empty() => return Ok(()),
            Ok(faults) => {
                j.outcome.invalid.body = *mode;
                return settle(*mode, faults, Refusal::BadRequestBody, j);
            }
            Err(refused) => refused,
        };
        j.outcome.invalid.body = *mode;
        match mode {
            Mode::Enforce => Err(refused),
            Mode::Report | Mode::Off => Ok(()),
        }
    }

    /// Checks an answer of the back end.
    pub(crate) async fn answer(
        &self,
        j: &mut Journey<'_>,
        reply: &mut Reply,
    ) -> Result<(), Refusal> {
        let Some((mode, list)) = &self.response else {
            return Ok(());
        };
        let mut faults = Faults::default();
        let response = list
            .iter()
            .find(|response| response.speaks_of(reply.status));
        match response {
            Some(response) => response.look_at(j, reply, &mut faults).await?,
            None => faults.add(Fault {
                at: FaultPlace::Body,
                pointer: String::new(),
                keyword: "responses",
                detail: Cow::Borrowed("has a status that the document does not describe"),
                schema: String::new(),
            }),
        }
        if faults.is_empty() {
            return Ok(());
        }
        j.outcome.invalid.response = *mode;
        settle(*mode, faults, Refusal::BadAnswer, j)
    }
}

/// What becomes of a message with faults.
fn settle(
    mode: Mode,
    faults: Faults,
    refusal: impl FnOnce(Box<Faults>) -> Refusal,
    j: &mut Journey<'_>,
) -> Result<(), Refusal> {
    if mode == Mode::Enforce {
        return Err(refusal(Box::new(faults)));
    }
    let known = j.faults.get_or_insert_default();
    faults.list.into_iter().for_each(|fault| known.add(fault));
    Ok(())
}

/// Looks at all parameters.
fn look_at(
    list: &[Parameter],
    texts: Texts<'_>,
    schemas: &Schemas,
    messages: Messages,
    faults: &mut Faults,
) {
    let mut json = Spare::<Vec<u8>>::taken();
    for parameter in list {
        json.clear();
        let at = FaultPlace::Parameter(parameter.def.place, parameter.def.name);
        let wrong = match parameter.read(texts, schemas, list, &mut json) {
            Ok(Found::Absent) if !parameter.def.required => continue,
            Ok(Found::Absent) => ("required", "must be given"),
            Ok(Found::Blank) if !parameter.def.required => continue,
            Ok(Found::Blank) => ("required", "must not be blank"),
            Ok(Found::Fine) => continue,
            Ok(Found::Json) => {
                if let Some(root) = parameter.root {
                    check(root, &json, schemas, messages, at, faults);
                }
                continue;
            }
            Err(wrong) => said(wrong),
        };
        faults.add(Fault {
            at,
            pointer: String::new(),
            keyword: wrong.0,
            detail: Cow::Borrowed(wrong.1),
            schema: String::new(),
        });
    }
}

/// The keyword and the sentence for a text that is no value.
fn said(wrong: Wrong) -> (&'static str, &'static str) {
    match wrong {
        Wrong::Utf8 => ("encoding", "must be UTF-8"),
        Wrong::Repeated => ("style", "must be given once"),
        Wrong::Style => ("style", "must be written in the style that is declared"),
    }
}

/// Runs a JSON text against a schema.
fn check(
    root: Root,
    json: &[u8],
    schemas: &Schemas,
    messages: Messages,
    at: FaultPlace,
    faults: &mut Faults,
) {
    thread_local! {
        /// One check does not wait for anything, so that one is enough for a thread.
        static SCRATCH: RefCell<Scratch> = RefCell::default();
    }
    let checked = SCRATCH.with(|scratch| match scratch.try_borrow_mut() {
        Ok(mut scratch) => schemas.check(root, json, messages, &mut scratch),
        Err(_) => schemas.check(root, json, messages, &mut Scratch::default()),
    });
    let whole = |keyword, detail| Fault {
        at,
        pointer: String::new(),
        keyword,
        detail,
        schema: String::new(),
    };
    match checked {
        Ok(()) => {}
        Err(Violations::Malformed(malformed)) => faults.add(whole(
            "json",
            Cow::Owned(format!(
                "must be JSON: at byte {} there should be {}",
                malformed.offset, malformed.expected
            )),
        )),
        Err(Violations::TooComplex) => {
            faults.add(whole("", Cow::Borrowed("is too complex to be checked")));
        }
        Err(Violations::Invalid { list, .. }) => {
            for violation in list {
                faults.add(Fault {
                    at,
                    pointer: violation.pointer,
                    keyword: violation.keyword,
                    detail: Cow::Owned(violation.message),
                    schema: violation.schema,
                });
            }
        }
    }
}

/// Makes a schema ready that stands inside an operation. Its place is left out: it is the operation's own.
fn add(rules: Rules, schemas: &mut Schemas) -> Result<Root, schema::Fault> {
    schemas.add("", rules)
}

/// Whether rules refuse no string.
fn takes_any_text(rules: Rules) -> bool {
    use crate::def::{Rule, Types};
    rules.iter().all(|rule| match rule {
        Rule::Types(types) => types.has(Types::STRING),
        _ => false,
    })
}

impl RequestBody {
    /// Reads the body of a request if that is needed, checks it, and puts it back. The inner error is a request that is refused
    /// before its body is looked at; the outer one, a body that could not be read.
    async fn look_at(
        &self,
        exchange: &mut Exchange,
        schemas: &Schemas,
        room: &Arc<Room>,
        lenient: bool,
    ) -> Result<Result<Faults, Refusal>, Refusal> {
        let mut faults = Faults::default();
        if !exchange.body_is_empty() {
            let looked = match self.contents.choose(exchange.headers(), lenient) {
                Ok(looked) => looked,
                Err(refusal) => return Ok(Err(refusal)),
            };
            if let Looked::Pass = looked {
                return Ok(Ok(faults));
            }
            let body = exchange.take_body();
            let whole = match body.gather(usize::MAX, room).await? {
                Gathered::Whole(whole) => whole,
                // There is nothing longer.
                Gathered::Longer(_) => return Err(Refusal::BodyTooLarge),
                Gathered::Crowded(body) => {
                    exchange.set_body(body);
                    return Ok(Err(Refusal::Busy));
                }
            };
            let bytes = whole.bytes.clone();
            exchange.set_body(whole.body());
            if !bytes.is_empty() {
                if let Looked::At(content) = looked {
                    let media_type = exchange.headers().get(field::CONTENT_TYPE);
                    content.check(&bytes, media_type, schemas, Messages::Requests, &mut faults);
                }
                return Ok(Ok(faults));
            }
        }
        // There is no body.
        if lenient {
            self.contents.check_nothing(schemas, &mut faults);
        } else if self.required {
            faults.add(Fault {
                at: FaultPlace::Body,
                pointer: String::new(),
                keyword: "required",
                detail: Cow::Borrowed("must be there"),
                schema: String::new(),
            });
        }
        Ok(Ok(faults))
    }
}

impl Response {
    fn start(def: &'static ResponseDef, schemas: &mut Schemas) -> Result<Response, schema::Fault> {
        Ok(Response {
            status: def.status,
            headers: Parameter::all(def.headers, schemas)?,
            contents: Contents::start(def.content, schemas)?,
        })
    }

    fn speaks_of(&self, status: u16) -> bool {
        match self.status {
            StatusDef::Is(code) => code == status,
            StatusDef::Class(class) => u16::from(class) == status / 100,
            StatusDef::Other => true,
        }
    }

    async fn look_at(
        &self,
        j: &mut Journey<'_>,
        reply: &mut Reply,
        faults: &mut Faults,
    ) -> Result<(), Refusal> {
        let schemas = &j.gateway.schemas;
        let texts = Texts::Answered(&reply.headers);
        look_at(&self.headers, texts, schemas, Messages::Responses, faults);
        // Of these there is no body, or a part of one.
        let bare = matches!(reply.status, 100..=199 | 204 | 205 | 206 | 304);
        if bare || j.exchange.method() == "HEAD" || !self.contents.says_anything() {
            return Ok(());
        }
        let content = match self.contents.choose(&reply.headers, false) {
            Ok(Looked::At(content)) => content,
            Ok(Looked::Pass) => return Ok(()),
            Err(refused) => {
                if !reply.body.is_empty() || reply.headers.contains(field::CONTENT_TYPE) {
                    faults.add(unreadable(&refused));
                }
                return Ok(());
            }
        };
        let until = j.worker.clock.instant(j.deadline()).into();
        let body = std::mem::take(&mut reply.body);
        match body
            .gather_by(LONGEST_ANSWER, &j.gateway.room, until)
            .await?
        {
            Gathered::Whole(whole) => {
                let media_type = reply.headers.get(field::CONTENT_TYPE);
                let bytes = &whole.bytes;
                content.check(bytes, media_type, schemas, Messages::Responses, faults);
                reply.body = whole.body();
            }
            Gathered::Crowded(body) => {
                reply.body = body;
                faults.add(uncheckable("came while too many others were being checked"));
            }
            Gathered::Longer(body) => {
                reply.body = body;
                faults.add(uncheckable("is too long to be checked"));
            }
        }
        Ok(())
    }
}

/// The fault of an answer whose coding or media type says that its body cannot be looked at.
fn unreadable(refused: &Refusal) -> Fault {
    uncheckable(match refused {
        Refusal::UnsupportedEncoding => "is compressed, so that it cannot be checked",
        _ => "has a media type that the document does not describe",
    })
}

/// The fault of an answer whose body is not looked at.
fn uncheckable(detail: &'static str) -> Fault {
    Fault {
        at: FaultPlace::Body,
        pointer: String::new(),
        keyword: "content",
        detail: Cow::Borrowed(detail),
        schema: String::new(),
    }
}
