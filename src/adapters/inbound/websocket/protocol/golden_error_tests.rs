//! Every error that the server sends, character by character.

use crate::adapters::inbound::websocket::protocol::encode;
use crate::adapters::inbound::websocket::protocol::golden_tests::{assert_complete, context, text};
use crate::adapters::inbound::websocket::protocol::request::{Context, Reference};
use crate::application::{BadParameters, RequestError};
use crate::domain::{AuthError, Banned, GuestName, IdentityError, Timestamp};

const REFUSALS: usize = 12;

fn number_of_refusal(refusal: &RequestError) -> usize {
    match refusal {
        RequestError::BadParameters(_) => 0,
        RequestError::Unauthorized(
            AuthError::NoToken
            | AuthError::BadToken
            | AuthError::Identity(_)
            | AuthError::Claims(_)
            | AuthError::Banned { .. }
            | AuthError::Role(_),
        ) => 1,
        RequestError::Muted { .. } => 2,
        RequestError::UnreadableFile => 3,
        RequestError::UnreadablePath => 4,
        RequestError::UnwritableFile => 5,
        RequestError::LimitExceeded { .. } => 6,
        RequestError::RateLimited { .. } => 7,
        RequestError::Internal => 8,
        RequestError::NotApplied(_) => 9,
        RequestError::NameTaken { .. } => 10,
        RequestError::Banned(_) => 11,
    }
}

/// The error, and its message without a name, with one, and with a name and a ref.
fn refusals() -> Vec<(RequestError, &'static str)> {
    let auth = RequestError::Unauthorized;
    let bad = RequestError::BadParameters(BadParameters::new("what is wrong"));
    let muted = RequestError::Muted {
        until: Timestamp::from_secs(9),
    };
    let banned = |until| RequestError::Banned(Banned { until });
    let limit = RequestError::LimitExceeded {
        limit: "maxFileBytes",
        value: 10,
    };
    let taken = RequestError::NameTaken {
        free: GuestName::parse("bob-2").expect("a guest's name"),
    };
    let rate = RequestError::RateLimited {
        retry_after: std::time::Duration::from_millis(1_200),
    };
    vec![
        (
            bad,
            r#"{"code":400,"type":"badParametersError","message":"what is wrong"FILEREF}"#,
        ),
        (
            auth(AuthError::NoToken),
            r#"{"code":401,"type":"badAuthError","message":"authenticate first"FILEREF}"#,
        ),
        (
            auth(AuthError::BadToken),
            r#"{"code":401,"type":"badAuthError","message":"the token is not valid for this server"FILEREF}"#,
        ),
        (
            auth(IdentityError::Expired.into()),
            r#"{"code":401,"type":"badAuthError","message":"the token has expired; get a new one"FILEREF}"#,
        ),
        (
            auth(AuthError::Claims("this")),
            r#"{"code":401,"type":"badAuthError","message":"the token does not allow this"FILEREF}"#,
        ),
        (
            auth(AuthError::Role("not you")),
            r#"{"code":401,"type":"badAuthError","message":"not you"FILEREF}"#,
        ),
        (
            auth(AuthError::Banned {
                until: Timestamp::from_millis(8_001),
            }),
            r#"{"code":401,"type":"badAuthError","message":"the token does not allow the chat for now: you are banned from the room"FILE,"until":9,"banned":trueREF}"#,
        ),
        (
            RequestError::NotApplied("nobody is there"),
            r#"{"code":409,"type":"failApplyError","message":"nobody is there"FILEREF}"#,
        ),
        (
            muted,
            r#"{"code":401,"type":"badAuthError","message":"you are muted in this room for now"FILE,"until":9REF}"#,
        ),
        (
            banned(Some(Timestamp::from_millis(8_001))),
            r#"{"code":401,"type":"badAuthError","message":"you are banned from the chat of this project"FILE,"until":9,"banned":trueREF}"#,
        ),
        (
            banned(None),
            r#"{"code":401,"type":"badAuthError","message":"you are banned from the chat of this project"FILE,"banned":trueREF}"#,
        ),
        (
            RequestError::UnreadableFile,
            r#"{"code":409,"type":"failReadFileError","message":"File NAME doesn't exist or cannot be read"FILEREF}"#,
        ),
        (
            RequestError::UnreadablePath,
            r#"{"code":409,"type":"failReadPathError","message":"Path NAME doesn't exist or cannot be read","path":"NAME"REF}"#,
        ),
        (
            RequestError::UnwritableFile,
            r#"{"code":409,"type":"failWriteFileError","message":"File NAME cannot be created or written"FILEREF}"#,
        ),
        (
            taken,
            r#"{"code":409,"type":"nameTakenError","message":"the name is taken; bob-2 is free"FILE,"suggestion":"bob-2"REF}"#,
        ),
        (
            limit,
            r#"{"code":413,"type":"limitExceededError","message":"the limit maxFileBytes of 10 would be exceeded"FILEREF}"#,
        ),
        (
            rate,
            r#"{"code":429,"type":"rateLimitedError","message":"too much at once; try again in 2 s"FILE,"retryAfter":2REF}"#,
        ),
        (
            RequestError::Internal,
            r#"{"code":500,"type":"internalError","message":"the server could not do this; try again later"FILEREF}"#,
        ),
    ]
}

#[test]
fn every_refusal_is_what_the_contract_says() {
    let table = refusals();
    check(&table);
    assert_complete(
        table
            .iter()
            .map(|(refusal, _)| number_of_refusal(refusal))
            .collect(),
        REFUSALS,
    );
}

fn check(table: &[(RequestError, &str)]) {
    for (refusal, pattern) in table {
        let expected = |name: &str, file: &str, reference: &str| {
            pattern
                .replace("NAME", name)
                .replace("FILE", file)
                .replace("REF", reference)
        };
        let plain = encode::refusal(refusal, &Context::default());
        assert_eq!(text(&plain), expected("/", "", ""));
        let named = encode::refusal(refusal, &context(Some("./x"), None));
        assert_eq!(text(&named), expected("./x", r#","file":"./x""#, ""));
        let both = context(Some("./x"), Some(Reference::Text("r".into())));
        let both = encode::refusal(refusal, &both);
        assert_eq!(
            text(&both),
            expected("./x", r#","file":"./x""#, r#","ref":"r""#)
        );
    }
}

/// Every golden error, as it is encoded.
pub(crate) fn errors() -> Vec<String> {
    let mut errors = Vec::new();
    for (refusal, _) in refusals() {
        let reference = Some(Reference::Text("r".into()));
        for context in [
            Context::default(),
            context(Some("./x"), None),
            context(Some("./x"), reference),
        ] {
            errors.push(text(&encode::refusal(&refusal, &context)).to_owned());
        }
    }
    errors
}
