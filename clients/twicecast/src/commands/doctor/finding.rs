//! A finding of the doctor: how bad it is, its name, what was found and what to do.

use serde::Serialize;
use twicecast_client::untrusted::shown;

use crate::ui::style::{Style, painted};

/// How bad a finding is. A worse one is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing to do.
    Ok,
    /// It could not be checked.
    Unknown,
    /// You can share, but not for long, not everything, or less safely than you may think.
    Warning,
    /// You cannot share.
    Error,
}

impl Severity {
    /// The exit code of the doctor if this is its worst finding.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Ok | Self::Unknown => 0,
            Self::Warning => 1,
            Self::Error => 2,
        }
    }

    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A kind of finding, a row of `docs/doctor.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// How bad it is.
    pub severity: Severity,
}

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The name of its kind; if all is well, the name of what was checked.
    pub name: &'static str,
    /// What was found, made safe for a terminal.
    pub says: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cure: Option<String>,
}

impl Finding {
    /// A finding that all is well.
    pub fn ok(name: &'static str, says: &str) -> Self {
        Self {
            severity: Severity::Ok,
            name,
            says: shown(says),
            cure: None,
        }
    }

    /// A finding that needs action.
    pub fn of(kind: Kind, says: &str, cure: &str) -> Self {
        Self {
            severity: kind.severity,
            name: kind.name,
            says: shown(says),
            cure: (!cure.is_empty()).then(|| shown(cure)),
        }
    }

    /// The line for people.
    pub fn line(&self) -> String {
        let word = format!("{:<8}", self.severity.word());
        let word = match self.severity {
            Severity::Ok => painted(Style::Good, &word),
            Severity::Unknown => word,
            Severity::Warning => painted(Style::Bold, &word),
            Severity::Error => painted(Style::Bad, &word),
        };
        let cure = self.cure.as_ref();
        let cure = cure.map_or_else(String::new, |cure| format!(" → {cure}"));
        format!("{word} {}: {}{cure}", self.name, self.says)
    }
}

/// The severity of the worst finding.
pub fn worst(findings: &[Finding]) -> Severity {
    let severities = findings.iter().map(|finding| finding.severity);
    severities.max().unwrap_or(Severity::Ok)
}

/// The names of the findings.
#[cfg(test)]
pub fn names(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_a_line_in_which_nothing_steers_a_terminal() {
        let kind = Kind {
            name: "rule-unusable",
            severity: Severity::Warning,
        };
        let finding = Finding::of(kind, "a\u{1b}[2J\u{202e}b é", "mend\nit");
        assert_eq!(
            finding.line(),
            "warning  rule-unusable: a\\u{1b}[2J\\u{202e}b é → mend\\nit"
        );
        assert_eq!(Finding::ok("token", "good").line(), "ok       token: good");
    }

    #[test]
    fn the_worst_decides_the_exit_code() {
        use Severity::{Error, Unknown, Warning};
        let of = |severity| {
            Finding::of(
                Kind {
                    name: "x",
                    severity,
                },
                "",
                "",
            )
        };
        let findings = [of(Unknown), Finding::ok("x", ""), of(Warning), of(Error)];
        for (count, code) in [(0, 0), (1, 0), (2, 0), (3, 1), (4, 2)] {
            assert_eq!(worst(&findings[..count]).exit_code(), code, "{count}");
        }
    }
}
