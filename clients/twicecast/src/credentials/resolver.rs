//! The only resolver: combines the flags, the names in the token and the surroundings, and checks
//! them before anything is connected.

use std::path::Path;
use std::sync::Once;

use crate::credentials::claims::{TokenView, own_room};
use crate::credentials::complete::Credentials;
use crate::credentials::flags::{AddressSource, CommonArgs};
use crate::credentials::grant::{EARLY, Grant};
use crate::credentials::known_servers;
use crate::credentials::local_share::{self, LocalShare};
use crate::credentials::origin::{Origin, is_of};
use crate::credentials::partial::PartialCredentials;
use crate::credentials::purpose::{Purpose, Role};
use crate::credentials::sentences::{ends_in, of_seen_secret};
use crate::failure::Failure;
use crate::names::{check_project, check_user, shown};
use crate::ui::output::warn;
use crate::ui::time::date_and_time;

const WHOSE: &str = "Whose project is it? Give --streamer (or --user). The folder of a running \
                     `twicecast share --local` needs neither.";
const WHOSE_TO_SHARE: &str = "Where is it to be shared, and as whose project? `--local` starts a \
                              server here and needs nothing else; for another one give --url and \
                              --user, with its token or key.";

impl PartialCredentials {
    /// Combines what is known from the flags and variables, the token, and `dir` or else the
    /// current folder, which may be a copy of a project or shared. The streamer's own commands find
    /// the token that `share --local` stores. If no room is given, it is the token's, or else the
    /// project's own.
    ///
    /// # Errors
    ///
    /// A sentence, if no server accepts the address or a name, the token has expired, or only a
    /// folder names the server.
    pub fn resolve(
        common: &CommonArgs,
        purpose: Purpose,
        room: Option<&str>,
        dir: Option<&Path>,
    ) -> Result<Self, Failure> {
        static SEEN: Once = Once::new();
        let mut common = common.clone();
        let mut grant = Grant::of(&common)?;
        let mut token = view(&grant);
        let origin = Origin::of(purpose, dir, &common, token.as_ref());
        if purpose.is_of_a_streamer()
            && let Some(own) = of_local_share(&common, &grant, origin.as_ref())
        {
            grant = Grant::Token(own);
            token = view(&grant);
        }
        if let Some(origin) = &origin {
            origin.complete(&mut common);
        }
        crate::connection::address(&common.url)?;
        let view = token.clone().unwrap_or_default();
        if purpose != Purpose::Doctor
            && let Some(sentence) = of_seen_secret(&common, &grant)
        {
            SEEN.call_once(|| warn(sentence));
        }
        let user = (common.user).or(view.username);
        let user = user
            .or_else(|| origin.as_ref()?.user())
            .or_else(name_of_user);
        let in_token = match purpose.role() {
            Role::Streamer => None,
            Role::Viewer => view.streamername,
        };
        let streamer = common.streamer.or(in_token).or_else(|| user.clone());
        let project = common.project.or(view.streamname);
        let room = room
            .map(str::to_owned)
            .or(view.room)
            .or_else(|| own_room(streamer.as_deref(), project.as_deref()));
        let checks = [
            user.as_deref().map(|name| check_user("user", name)),
            streamer.as_deref().map(|name| check_user("streamer", name)),
            project.as_deref().map(check_project),
            room.as_deref().map(check_room),
        ];
        for check in checks.into_iter().flatten() {
            check.map_err(Failure::usage)?;
        }
        if purpose != Purpose::Doctor {
            known_servers::vet(&common.url, common.url_source, grant != Grant::None, dir)?;
        }
        let credentials = Self {
            url: common.url,
            user,
            streamer,
            project,
            room,
            grant,
            token,
            purpose,
        };
        credentials.look_after()?;
        Ok(credentials)
    }

    /// Checks the token, and reports problems before it is used.
    fn look_after(&self) -> Result<(), Failure> {
        static CLEAR: Once = Once::new();
        static ENDING: Once = Once::new();
        if matches!(self.purpose, Purpose::Token | Purpose::Doctor) {
            // The token goes nowhere, or the doctor reports all this itself.
            return Ok(());
        }
        if self.grant != Grant::None && known_servers::is_in_the_clear(&self.url) {
            CLEAR.call_once(|| {
                warn(&format!(
                    "The connection to {} is not encrypted, so others on the way can read your \
                     token; use a wss:// address if the server has one.",
                    shown(&self.url)
                ));
            });
        }
        let Some(left) = self.token.as_ref().and_then(TokenView::expires_in) else {
            return Ok(());
        };
        if self.purpose == Purpose::Status {
            // `status` reports this itself.
            return Ok(());
        }
        if left.is_zero() {
            let at = self.token.as_ref().and_then(|token| token.expires);
            return Err(Failure::denied(format!(
                "The token ended at {}; get a fresh one and start with it.",
                date_and_time(at.unwrap_or_default())
            )));
        }
        if left <= EARLY {
            ENDING.call_once(|| warn(&ends_in(left)));
        }
        Ok(())
    }

    fn complete(self, dir: Option<&Path>) -> Result<Credentials, Failure> {
        let streamer = self.streamer.ok_or_else(|| {
            Failure::usage(match self.purpose {
                Purpose::Share => WHOSE_TO_SHARE,
                _ => WHOSE,
            })
        })?;
        let user = self.user.unwrap_or_else(|| streamer.clone());
        let project = match self.project {
            Some(project) => project,
            None => dir
                .and_then(folder_name)
                .ok_or_else(|| Failure::usage("Which project is it? Give --project."))?,
        };
        check_project(&project).map_err(Failure::usage)?;
        if self.purpose.role() == Role::Streamer && user != streamer {
            return Err(Failure::usage(format!(
                "Only the streamer {}: --user {user} is not --streamer {streamer}. Leave \
                 --streamer away, or give the streamer's token.",
                self.purpose.only_the_streamer()
            )));
        }
        Ok(Credentials {
            url: self.url,
            user,
            streamer,
            project,
            grant: self.grant,
            token: self.token,
            purpose: self.purpose,
        })
    }
}

/// The streamer's token that a `share --local` stores. If an address is given, it is that server's.
/// Otherwise it is the folder's, whose server would not accept a token that a variable holds for
/// another one.
fn of_local_share(common: &CommonArgs, grant: &Grant, origin: Option<&Origin>) -> Option<String> {
    if common.url_source == AddressSource::Default {
        let has_flag =
            common.is_secret_seen || common.token_file.is_some() || common.key_file.is_some();
        return origin?.token.clone().filter(|_| !has_flag);
    }
    if *grant != Grant::None {
        return None;
    }
    let by_address = |share: &LocalShare| is_of(common, share);
    let share = local_share::find(Some(&common.url), Path::new("."), by_address)?;
    Some(share.token)
}

/// The names in a token.
fn view(grant: &Grant) -> Option<TokenView> {
    match grant {
        Grant::Token(token) => TokenView::read(token),
        _ => None,
    }
}

fn check_room(room: &str) -> Result<(), String> {
    if room.is_empty() || room.chars().any(char::is_control) {
        return Err(format!(
            "The room name {room:?} must not be empty nor hold control characters; give another \
             one with --room."
        ));
    }
    Ok(())
}

impl Credentials {
    /// Combines the flags; `dir` gives the project's name if nothing else does.
    ///
    /// # Errors
    ///
    /// As [`PartialCredentials::resolve`]; or if a name that is needed is not known.
    pub fn resolve(
        common: &CommonArgs,
        purpose: Purpose,
        dir: Option<&Path>,
    ) -> Result<Self, Failure> {
        PartialCredentials::resolve(common, purpose, None, dir)?.complete(dir)
    }
}

/// The name of the user at the keyboard, if the system tells it; in a container it may not.
pub fn name_of_user() -> Option<String> {
    ["USER", "LOGNAME", "USERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()))
}

/// The name of a folder, which is the default name of its project.
pub fn folder_name(dir: &Path) -> Option<String> {
    let absolute = std::fs::canonicalize(dir)
        .or_else(|_| std::path::absolute(dir))
        .ok()?;
    absolute.file_name()?.to_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::claims::Claims;

    fn common() -> CommonArgs {
        CommonArgs {
            url: "ws://127.0.0.1:3005".into(),
            user: Some("ana".into()),
            ..CommonArgs::default()
        }
    }

    #[test]
    fn the_streamer_is_the_user_and_the_project_is_the_folder() {
        let credentials =
            Credentials::resolve(&common(), Purpose::Share, Some(Path::new("/nowhere/demo")))
                .unwrap();
        assert_eq!(credentials.full_project(), "ana/demo");
        assert_eq!(credentials.token(), Ok(None));
    }

    #[test]
    fn a_tokens_names_come_before_the_surroundings_and_after_the_flags() {
        let token = Claims::new("bob", "ana", "demo", None, 1)
            .signed("k")
            .unwrap();
        let given = CommonArgs {
            user: None,
            token: Some(token.clone()),
            ..common()
        };
        let credentials =
            Credentials::resolve(&given, Purpose::Read, Some(Path::new("/nowhere/copy"))).unwrap();
        assert_eq!(
            (
                credentials.user.as_str(),
                credentials.full_project().as_str()
            ),
            ("bob", "ana/demo")
        );
        let given = CommonArgs {
            project: Some("other".into()),
            token: Some(token),
            ..common()
        };
        let credentials = Credentials::resolve(&given, Purpose::Read, None).unwrap();
        assert_eq!(
            (credentials.user.as_str(), credentials.project.as_str()),
            ("ana", "other")
        );
    }

    #[test]
    fn who_was_let_in_has_no_wrong_key_and_may_come_again_with_it() {
        let with = |key: Option<&str>, token: Option<&str>| {
            let given = CommonArgs {
                project: Some("demo".into()),
                key: key.map(str::to_owned),
                token: token.map(str::to_owned),
                ..common()
            };
            let credentials = Credentials::resolve(&given, Purpose::Read, None).unwrap();
            let failure = credentials.withdrawn(&"the token has expired".into());
            (
                failure.may_pass(credentials.can_renew_token()),
                failure.to_string(),
            )
        };
        let (may_pass, said) = with(Some("k"), None);
        assert!(may_pass && said.contains("has expired") && !said.contains("--key"));
        let (may_pass, said) = with(None, Some("t"));
        assert!(!may_pass && said.contains("get a fresh one"));
        let (may_pass, said) = with(None, None);
        assert!(!may_pass && said.contains("without a token"));
    }

    #[test]
    fn a_token_that_is_made_from_the_key_has_the_least_right_that_its_purpose_needs() {
        let common = |user: &str| CommonArgs {
            user: Some(user.into()),
            streamer: Some("ana".into()),
            project: Some("demo".into()),
            key: Some("k".into()),
            ..common()
        };
        for (purpose, user, rights) in [
            (Purpose::Read, "bob", Some(vec!["read"])),
            (Purpose::Read, "ana", Some(vec!["read"])),
            (Purpose::Propose, "bob", Some(vec!["read", "propose"])),
            (Purpose::Chat, "bob", Some(vec!["read", "chat"])),
            (Purpose::Status, "bob", Some(vec!["read"])),
            (Purpose::Status, "ana", None),
            (Purpose::Share, "ana", None),
            (Purpose::Review, "ana", None),
        ] {
            let partial = PartialCredentials::resolve(&common(user), purpose, None, None);
            let complete = Credentials::resolve(&common(user), purpose, None);
            for token in [partial.unwrap().token(), complete.unwrap().token()] {
                let claims = jsonwebtoken::dangerous::insecure_decode::<serde_json::Value>(
                    token.unwrap().unwrap(),
                );
                let claims = claims.unwrap().claims;
                let expected = rights.as_ref().map(|rights| serde_json::json!(rights));
                assert_eq!(
                    claims.get("rights"),
                    expected.as_ref(),
                    "{purpose:?} {user}"
                );
                assert_eq!(claims["room"], "ana/demo");
                assert_eq!(claims["streamname"], "demo");
            }
        }
    }

    #[test]
    fn nobody_pushes_for_somebody_else() {
        let given = CommonArgs {
            streamer: Some("bob".into()),
            project: Some("demo".into()),
            ..common()
        };
        assert_eq!(
            Credentials::resolve(&given, Purpose::Share, None)
                .unwrap_err()
                .exit_code(),
            2
        );
        assert!(Credentials::resolve(&given, Purpose::Read, None).is_ok());
    }

    fn bob(change: impl FnOnce(&mut CommonArgs)) -> CommonArgs {
        let mut common = CommonArgs {
            user: Some("bob".into()),
            ..common()
        };
        change(&mut common);
        common
    }

    #[test]
    fn no_room_has_an_empty_name_or_one_that_steers_a_terminal() {
        for room in ["", "a\nb"] {
            let partial = PartialCredentials::resolve(&common(), Purpose::Chat, Some(room), None);
            assert!(partial.is_err());
        }
    }

    #[test]
    fn the_room_is_the_given_one_else_the_tokens_else_the_projects_own() {
        let token = Claims::new("bob", "ana", "demo", Some("lobby"), 1)
            .signed("any")
            .unwrap();
        let with_token = bob(|common| common.token = Some(token));
        let room = |common: &CommonArgs, room| {
            PartialCredentials::resolve(common, Purpose::Chat, room, None)
                .unwrap()
                .room
        };
        assert_eq!(room(&with_token, Some("other")).as_deref(), Some("other"));
        assert_eq!(room(&with_token, None).as_deref(), Some("lobby"));
        let named = bob(|common| {
            common.streamer = Some("ana".into());
            common.project = Some("demo".into());
        });
        assert_eq!(room(&named, None).as_deref(), Some("ana/demo"));
        assert_eq!(room(&bob(|_| ()), None), None);
    }

    #[test]
    fn a_key_makes_a_token_for_a_room_without_a_project() {
        let credentials = PartialCredentials::resolve(
            &bob(|common| common.key = Some("secret".into())),
            Purpose::Chat,
            Some("lobby"),
            None,
        )
        .unwrap();
        let view = TokenView::read(&credentials.token().unwrap().unwrap()).unwrap();
        assert_eq!(view.room.as_deref(), Some("lobby"));
        assert_eq!((view.streamername, view.streamname), (None, None));
    }

    #[test]
    fn names_that_no_server_takes_are_refused_before_connecting() {
        for (user, project) in [
            ("a/b", "demo"),
            (".ana", "demo"),
            ("ana", ".."),
            ("ana", "a\nb"),
        ] {
            let given = CommonArgs {
                user: Some(user.into()),
                project: Some(project.into()),
                ..common()
            };
            assert!(
                Credentials::resolve(&given, Purpose::Share, None).is_err(),
                "{user} {project}"
            );
        }
    }
}
