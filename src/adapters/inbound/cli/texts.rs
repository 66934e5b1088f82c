//! Converts the bytes that the system hands over to text.

use std::ffi::OsString;

/// The prefix of every environment variable of this server.
pub(super) const PREFIX: &str = "FILE_WS_SERVER_";

/// Arguments as texts.
///
/// # Errors
/// A sentence that shows the argument that is not UTF-8. A path that is not UTF-8 can be reached
/// through a link.
pub fn texts(args: impl Iterator<Item = OsString>) -> Result<Vec<String>, String> {
    args.map(|arg| {
        arg.into_string()
            .map_err(|arg| format!("the argument {} is not UTF-8", arg.display()))
    })
    .collect()
}

/// Environment variables as texts. Variables of other programs may hold any bytes; those that are
/// not UTF-8 are left out.
///
/// # Errors
/// A sentence that names the variable of this server that is not UTF-8. Its value is not shown,
/// because it may be the key.
pub fn variables(
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Vec<(String, String)>, String> {
    let mut texts = Vec::new();
    for (name, value) in variables {
        match (name.into_string(), value.into_string()) {
            (Ok(name), Ok(value)) => texts.push((name, value)),
            (Ok(name), Err(_)) if name.starts_with(PREFIX) => {
                return Err(format!("the value of {name} is not UTF-8"));
            }
            (Err(name), _) if name.as_encoded_bytes().starts_with(PREFIX.as_bytes()) => {
                return Err(format!("the variable {} is not UTF-8", name.display()));
            }
            _ => {}
        }
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    fn other_bytes(start: &str) -> OsString {
        OsString::from_vec([start.as_bytes(), &[0xE9]].concat())
    }

    #[test]
    fn an_argument_of_other_bytes_is_refused_and_not_rewritten() {
        let args = ["--base-dir".into(), other_bytes("x")];
        let fault = texts(args.into_iter()).expect_err("refused");
        assert_eq!(fault, "the argument x\u{fffd} is not UTF-8");
    }

    #[test]
    fn a_variable_of_ours_of_other_bytes_is_refused_and_not_ignored() {
        let ours = |name: OsString, value: OsString| variables([(name, value)].into_iter());
        let fault = ours("FILE_WS_SERVER_KEY".into(), other_bytes("x")).expect_err("refused");
        assert_eq!(fault, "the value of FILE_WS_SERVER_KEY is not UTF-8");
        assert!(ours(other_bytes("FILE_WS_SERVER_"), "x".into()).is_err());
        assert_eq!(ours("PATH".into(), other_bytes("x")), Ok(Vec::new()));
    }
}
