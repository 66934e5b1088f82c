//! Finds secrets by the contents of files: headers of private keys, and tokens with an unmistakable
//! shape.
//!
//! The shapes are so precise that at most one file in 10,000 of real trees is held back by mistake;
//! `the_shapes_are_measured_on_real_trees` below measures that. In contents that are compressed, or
//! encoded in anything but ASCII or UTF-8, nothing is found.

use std::io::{self, Read};
use std::sync::LazyLock;

use regex::bytes::Regex;

/// How many bytes of a file are searched before its first part is sent. The rest is searched part
/// by part, each before it is sent.
pub const JUDGED_FIRST: u64 = 1 << 20;

/// How many bytes are kept for shapes that begin in them; longer than any shape.
const TAIL: usize = 4_096;

/// The name and the shape of each kind of secret. A shape begins with something that can be
/// searched for quickly.
const SHAPES: &[(&str, &str)] = &[
    // A header alone is not enough: every program that reads keys contains one.
    (
        "a private key",
        concat!(
            r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----",
            r##"(?:[A-Za-z-]{1,20}: [^\n]{0,80}|\\{1,2}[nr]?|[\s"'`+,.#*/|;]){1,40}[A-Za-z0-9+/]{40}"##
        ),
    ),
    (
        "a private key",
        r"\bPuTTY-User-Key-File-[23]: [a-z0-9-]{3,40}\s",
    ),
    ("a private key", r"\bAGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}\b"),
    ("a GitHub token", r"gh[pousr]_[A-Za-z0-9]{36,255}\b"),
    (
        "a GitHub token",
        r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}\b",
    ),
    (
        "a GitLab token",
        r"\bgl(?:pat|dt|rt|ptt|ft|soat|cbt)-[A-Za-z0-9_-]{20,}",
    ),
    (
        "an AWS key",
        concat!(
            r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b[^\n]{0,60}\n?[^\n]{0,60}?",
            r"[^A-Za-z0-9/+][A-Za-z0-9/+]{40}(?:[^A-Za-z0-9/+=]|$)"
        ),
    ),
    (
        "an AWS key",
        concat!(
            r"(?:aws_secret_access_key|AWS_SECRET_ACCESS_KEY|[Ss]ecretAccessKey|SecretKey)",
            r#"["']?\s{0,4}[:=]\s{0,4}["']?[A-Za-z0-9/+]{40}(?:[^A-Za-z0-9/+=]|$)"#
        ),
    ),
    (
        "a Slack token",
        r"xox[abceoprs]-(?:[0-9]+-)+[A-Za-z0-9]{20,}",
    ),
    (
        "a Slack token",
        r"\bxapp-1-A[A-Z0-9]{8,}-[0-9]{10,}-[a-f0-9]{60,}",
    ),
    (
        "a Slack token",
        r"hooks\.slack\.com/services/T[A-Z0-9]{8,}/B[A-Z0-9]{8,}/[A-Za-z0-9]{24}\b",
    ),
    ("a Stripe key", r"(?:sk|rk)_live_[A-Za-z0-9]{24,}\b"),
    ("a Stripe key", r"\bwhsec_[A-Za-z0-9]{32,}\b"),
    ("a Slack token", r"\bxoxd-[A-Za-z0-9%/+=]{60,}"),
    (
        "a streaming key",
        r#"rtmps?://[^\s"'<>/]{3,100}/[A-Za-z0-9_.-]{1,40}/[A-Za-z0-9_-]{16,}"#,
    ),
    (
        "a streaming key of Facebook",
        r"\bFB-[0-9]{10,20}-[0-9]-[A-Za-z0-9_-]{10,}",
    ),
    (
        "a streaming key of Twitch",
        r"\blive_[0-9]{6,12}_[A-Za-z0-9]{26,40}\b",
    ),
    (
        "a streaming key",
        concat!(
            r"(?:[Ss]tream_?[Kk]ey|STREAM_?KEY|stream-key|YOUTUBE_KEY|youtube_key)",
            r#"["']?\s{0,4}[:=]\s{0,4}["']?[a-z0-9]{4}(?:-[a-z0-9]{4}){3,4}\b"#
        ),
    ),
    (
        "a streaming key",
        r#""key"\s{0,4}:\s{0,4}"[a-z0-9]{4}(?:-[a-z0-9]{4}){4}""#,
    ),
    (
        "a Google key",
        r"\bAIza[A-Za-z0-9_-]{35}(?:[^A-Za-z0-9_-]|$)",
    ),
    (
        "a Google key",
        r"\bGOCSPX-[A-Za-z0-9_-]{28}(?:[^A-Za-z0-9_-]|$)",
    ),
    ("a Google key", r"\bya29\.[A-Za-z0-9_-]{60,}"),
    ("an npm token", r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("a PyPI token", r"\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}"),
    ("a crates.io token", r#"["']cio[A-Za-z0-9]{32}["']"#),
    (
        "an OpenAI key",
        r"\bsk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{40,}",
    ),
    (
        "an OpenAI key",
        r"\bsk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}\b",
    ),
    (
        "an Anthropic key",
        r"\bsk-ant-[a-z]{2,8}[0-9]{2}-[A-Za-z0-9_-]{80,}",
    ),
    ("an OpenRouter key", r"\bsk-or-v1-[a-f0-9]{64}\b"),
    ("a Hugging Face token", r"\bhf_[A-Za-z]{34}\b"),
    (
        "a Discord token",
        concat!(
            r#"(?:[Tt]oken|TOKEN|login\(|run\(|[Bb]ot )["']?\s{0,4}[:=]?\s{0,4}["']?"#,
            r"[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,38}\b"
        ),
    ),
    (
        "a Discord token",
        r"discord(?:app)?\.com/api/webhooks/[0-9]{17,20}/[A-Za-z0-9_-]{60,}",
    ),
    (
        "a Telegram token",
        r"\bbot[0-9]{8,10}:AA[A-Za-z0-9_-]{33}\b",
    ),
    (
        "a SendGrid key",
        r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}(?:[^A-Za-z0-9_-]|$)",
    ),
    ("a DigitalOcean token", r"\bdo[opr]_v1_[a-f0-9]{64}\b"),
    ("a Shopify token", r"\bshp(?:at|ss|ca|pa)_[a-fA-F0-9]{32}\b"),
    ("a Docker token", r"\bdckr_pat_[A-Za-z0-9_-]{27,}"),
    ("a Vault token", r"\bhvs\.[A-Za-z0-9_-]{90,}"),
    (
        "a Tailscale key",
        r"\btskey-(?:auth|api|client)-[A-Za-z0-9]{8,}-[A-Za-z0-9]{20,}\b",
    ),
    ("an Azure key", r"\bAccountKey=[A-Za-z0-9+/]{86}=="),
];

/// Searches a file while it is read.
#[derive(Debug, Default)]
pub struct Scanner {
    /// The end of the bytes before, followed by the new ones.
    buffer: Vec<u8>,
    is_begun: bool,
}

impl Scanner {
    /// The kind of secret that is visible with these further bytes of the file, if there is one.
    pub fn push(&mut self, bytes: &[u8]) -> Option<&'static str> {
        let keep = self.buffer.len().saturating_sub(TAIL);
        self.buffer.drain(..keep);
        self.buffer.extend_from_slice(bytes);
        // The first byte of the tail only serves to show what comes before the second.
        let from = usize::from(std::mem::replace(&mut self.is_begun, true));
        find(&self.buffer, from.min(self.buffer.len()))
    }
}

/// Searches the beginning of a file, as far as it is searched before any of it is sent.
///
/// # Errors
///
/// The system's error.
pub fn look_into(file: impl Read) -> io::Result<Option<&'static str>> {
    look_through(file.take(JUDGED_FIRST))
}

/// Searches a whole file.
///
/// # Errors
///
/// The system's error.
pub fn look_through(mut file: impl Read) -> io::Result<Option<&'static str>> {
    let mut scanner = Scanner::default();
    let mut part = Vec::new();
    loop {
        part.clear();
        if file.by_ref().take(JUDGED_FIRST).read_to_end(&mut part)? == 0 {
            return Ok(None);
        }
        if let Some(kind) = scanner.push(&part) {
            return Ok(Some(kind));
        }
    }
}

fn find(bytes: &[u8], from: usize) -> Option<&'static str> {
    static ALL: LazyLock<Regex> = LazyLock::new(|| {
        let shapes: Vec<_> = SHAPES
            .iter()
            .map(|(_, shape)| format!("({shape})"))
            .collect();
        Regex::new(&format!("(?-u){}", shapes.join("|"))).expect("the shapes are patterns")
    });
    let mut from = from;
    loop {
        let found = ALL.find_at(bytes, from)?;
        if is_placeholder(found.as_bytes()) {
            // A real secret may follow a placeholder.
            from = found.start() + 1;
            continue;
        }
        let groups = ALL.captures_at(bytes, found.start())?;
        let shape = groups.iter().skip(1).position(|group| group.is_some())?;
        return SHAPES.get(shape).map(|(kind, _)| *kind);
    }
}

/// Whether a token is a placeholder, as in documentation.
fn is_placeholder(token: &[u8]) -> bool {
    const MARKS: [&[u8]; 5] = [b"example", b"xxxxx", b"00000", b"123456", b"abcdef"];
    // What comes before the secret itself, such as an account number, does not count.
    let end = &token[token.len().saturating_sub(44)..];
    let random = end.rsplit(|byte| b"_-:/".contains(byte)).next();
    let random = random.filter(|random| random.len() >= 16).unwrap_or(end);
    let end = random.to_ascii_lowercase();
    let holds = |mark: &&[u8]| end.windows(mark.len()).any(|window| window == *mark);
    !token.starts_with(b"-----") && MARKS.iter().any(holds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::{Path, PathBuf};

    /// A token with this many characters that no service has issued.
    fn made(alphabet: &str, count: usize) -> String {
        let all: Vec<_> = alphabet.chars().collect();
        let pick = |at: usize| all[(at * at * 7 + at * 13 + 5) % all.len()];
        (0..count).map(pick).collect()
    }

    const ALNUM: &str = "QWERTYUIOPASDFGHJKLZXCVBNMqwertyuiopasdfghjklzxcvbnm2749";
    const HEX: &str = "0f1e2d3c4b5a69788796";
    const BASE32: &str = "QWERTYUIOPASDFGHJKLZXCVBNM234567";

    /// A text with a secret of each kind.
    fn secrets() -> Vec<(&'static str, String)> {
        let alnum = |count| made(ALNUM, count);
        let key = |kind: &str| format!("-----BEGIN {kind}-----\n{}\n", alnum(64));
        vec![
            ("a private key", key("RSA PRIVATE KEY")),
            ("a private key", key("PRIVATE KEY")),
            ("a private key", key("OPENSSH PRIVATE KEY")),
            (
                "a private key",
                format!(
                    "-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: x\n\n{}",
                    alnum(64)
                ),
            ),
            (
                "a private key",
                format!(
                    "{{\"private_key\": \"-----BEGIN PRIVATE KEY-----\\n{}\\n",
                    alnum(64)
                ),
            ),
            (
                "a private key",
                "PuTTY-User-Key-File-3: ssh-ed25519\n".to_owned(),
            ),
            (
                "a private key",
                format!(
                    "AGE-SECRET-KEY-1{}",
                    made("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58)
                ),
            ),
            (
                "a GitHub token",
                format!("git clone https://ghp_{}@github.com", alnum(36)),
            ),
            ("a GitHub token", format!("t=gho_{}", alnum(36))),
            (
                "a GitHub token",
                format!("github_pat_{}_{}", alnum(22), alnum(59)),
            ),
            ("a GitLab token", format!("glpat-{}", alnum(20))),
            (
                "an AWS key",
                format!("id = AKIA{}\nsecret = {}\n", made(BASE32, 16), alnum(40)),
            ),
            (
                "an AWS key",
                format!("aws_secret_access_key = {}\n", alnum(40)),
            ),
            (
                "a Slack token",
                format!("xoxb-2384756192-9182736450-{}", alnum(24)),
            ),
            ("a Stripe key", format!("sk_live_{}", alnum(24))),
            ("a Stripe key", format!("rk_live_{}", alnum(99))),
            (
                "a streaming key of Twitch",
                format!("live_19283746_{}", alnum(30)),
            ),
            (
                "a streaming key of Twitch",
                format!("live_100000456_{}", alnum(30)),
            ),
            (
                "a streaming key",
                "ffmpeg rtmp://a.rtmp.youtube.com/live2/k3jd-92mx-p0q7-zz4f-8sld".to_owned(),
            ),
            (
                "a streaming key of Facebook",
                format!("FB-10293847561-0-Ab{}", alnum(14)),
            ),
            (
                "a Slack token",
                format!("xoxc-2384756192-9182736450-{}", alnum(24)),
            ),
            ("a GitHub token", format!("?token%3Dghp_{}", alnum(36))),
            (
                "a private key",
                format!("\"-----BEGIN PRIVATE KEY-----\\\\n{}\\\\n\"", alnum(64)),
            ),
            (
                "a private key",
                format!("# -----BEGIN PRIVATE KEY-----\n# {}\n", alnum(64)),
            ),
            (
                "a private key",
                format!("\"\"\"-----BEGIN RSA PRIVATE KEY-----\\\n{}\\\n", alnum(64)),
            ),
            (
                "a streaming key",
                "\"stream_key\": \"k3jd-92mx-p0q7-zz4f-8sld\"".to_owned(),
            ),
            (
                "a streaming key",
                "\"key\": \"k3jd-92mx-p0q7-zz4f-8sld\"".to_owned(),
            ),
        ]
    }

    /// Texts with secrets of other services.
    fn more_secrets() -> Vec<(&'static str, String)> {
        let (alnum, hex) = (|count| made(ALNUM, count), |count| made(HEX, count));
        vec![
            ("a Google key", format!("AIza{}", alnum(35))),
            ("an npm token", format!("_authToken=npm_{}", alnum(36))),
            ("a PyPI token", format!("pypi-AgEIcHlwaS5vcmc{}", alnum(60))),
            ("a crates.io token", format!("token = \"cio{}\"", alnum(32))),
            ("an OpenAI key", format!("sk-proj-{}", alnum(48))),
            (
                "an OpenAI key",
                format!("sk-{}T3BlbkFJ{}", alnum(20), alnum(20)),
            ),
            ("an Anthropic key", format!("sk-ant-api03-{}", alnum(95))),
            (
                "a Hugging Face token",
                format!("hf_{}", made(&ALNUM[..52], 34)),
            ),
            (
                "a Discord token",
                format!("client.login('M{}.{}.{}');", alnum(23), alnum(6), alnum(38)),
            ),
            (
                "a Telegram token",
                format!("https://api.telegram.org/bot928374651:AA{}", alnum(33)),
            ),
            ("a SendGrid key", format!("SG.{}.{}", alnum(22), alnum(43))),
            ("a DigitalOcean token", format!("dop_v1_{}", hex(64))),
            ("a Shopify token", format!("shpat_{}", hex(32))),
            ("an Azure key", format!("AccountKey={}==", alnum(86))),
        ]
    }

    #[test]
    fn secrets_are_known_by_their_shape_wherever_a_part_ends() {
        for (kind, text) in secrets().into_iter().chain(more_secrets()) {
            let text = format!("before\n{text}\nafter\n").into_bytes();
            assert_eq!(
                find(&text, 0),
                Some(kind),
                "{}",
                String::from_utf8_lossy(&text)
            );
            for cut in (0..text.len()).step_by(9) {
                let mut scanner = Scanner::default();
                let first = scanner.push(&text[..cut]);
                let found = first.or_else(|| scanner.push(&text[cut..]));
                assert!(found.is_some(), "{kind}, cut at {cut}");
            }
        }
    }

    #[test]
    fn what_only_looks_alike_is_none() {
        for text in [
            "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA",
            "if line == \"-----BEGIN PRIVATE KEY-----\" { return Ok(Kind::Pkcs8) }",
            "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "AKIAIOSFODNN7EXAMPLE",
            "sk_test_4eC39HqLyjWDarjtT1zdp7dc",
            "live_streams_are_listed_here_and_there_and_everywhere",
            "serial: k3jd-92mx-p0q7-zz4f-8sld",
            "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "the AIza of old",
            "",
        ] {
            assert_eq!(find(text.as_bytes(), 0), None, "{text}");
        }
    }

    #[test]
    fn a_part_that_begins_in_a_word_does_not_make_a_token_of_its_end() {
        let mut scanner = Scanner::default();
        let word = format!("{}npm_{}", "w".repeat(TAIL + 9), made(ALNUM, 36));
        let cut = word.len() - 40;
        assert_eq!(scanner.push(&word.as_bytes()[..cut]), None);
        assert_eq!(scanner.push(&word.as_bytes()[cut..]), None);
    }

    #[test]
    fn only_the_beginning_is_looked_into() {
        let (_, secret) = secrets().remove(7);
        let far = [
            vec![b'\n'; usize::try_from(JUDGED_FIRST).unwrap()],
            secret.clone().into(),
        ];
        assert_eq!(look_into(&far.concat()[..]).unwrap(), None);
        assert!(look_through(&far.concat()[..]).unwrap().is_some());
        assert_eq!(
            look_into(secret.as_bytes()).unwrap(),
            Some("a GitHub token")
        );
    }

    fn files(dir: &Path, all: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => files(&entry.path(), all),
                Ok(kind) if kind.is_file() => all.push(entry.path()),
                _ => {}
            }
        }
    }

    /// Counts the files that would be held back in given trees:
    /// `TWICECAST_TREES=~/.cargo/registry:… cargo test --release -p twicecast
    /// the_shapes_are_measured -- --ignored --nocapture`.
    #[test]
    #[ignore = "measures trees that somebody names"]
    fn the_shapes_are_measured_on_real_trees() {
        let trees = std::env::var("TWICECAST_TREES").expect("TWICECAST_TREES names folders");
        for tree in trees.split(':') {
            let (mut all, mut bytes, began) = (Vec::new(), 0, std::time::Instant::now());
            files(Path::new(tree), &mut all);
            let mut held = 0;
            for path in &all {
                let Ok(content) = std::fs::read(path) else {
                    continue;
                };
                bytes += content.len();
                let mut scanner = Scanner::default();
                let mut parts = content.chunks(crate::parts::PART_BYTES);
                if let Some(kind) = parts.find_map(|part| scanner.push(part)) {
                    held += 1;
                    println!("{}: {kind}", path.display());
                }
            }
            let seconds = began.elapsed().as_secs_f64();
            println!(
                "{tree}: {held} of {} files, {bytes} bytes in {seconds:.1} s",
                all.len()
            );
        }
    }
}
