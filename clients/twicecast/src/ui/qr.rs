//! QR codes in a terminal, for phones.

use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};

use crate::ui::output::{say, warn};
use crate::ui::style;

/// The width of a terminal that does not report its own.
const USUAL_COLUMNS: u16 = 80;

/// The margins of a code, both sides together: readers need that much.
const MARGINS: usize = 8;

/// Prints the code of a text, or says why that is not possible.
pub fn show(text: &str) {
    match drawn_here(text) {
        Ok(code) => say(&code),
        Err(why) => warn(&why),
    }
}

/// The code of a text, drawn for this terminal.
///
/// # Errors
///
/// A sentence that says why there is no code.
pub fn drawn_here(text: &str) -> Result<String, String> {
    let columns = crossterm::terminal::size().map_or(0, |(columns, _)| columns);
    let columns = if columns == 0 { USUAL_COLUMNS } else { columns };
    drawn(text, columns.into(), style::is_coloured())
}

/// The code of a text, in lines of at most `columns`. With colours it is dark on light, as it must
/// be; without, it assumes a dark background.
///
/// # Errors
///
/// A sentence that says why there is no code.
fn drawn(text: &str, columns: usize, is_coloured: bool) -> Result<String, String> {
    // A code on a screen does not get damaged, so the least error correction is enough.
    let code = QrCode::with_error_correction_level(text, EcLevel::L)
        .map_err(|_| "The link is too long for a QR code.".to_owned())?;
    let needed = code.width() + MARGINS;
    if needed > columns {
        return Err(format!(
            "The QR code needs {needed} columns, and the window has {columns}: make it wider, or \
             its letters smaller."
        ));
    }
    let mut picture = code.render::<Dense1x2>();
    if !is_coloured {
        let picture = picture.dark_color(Dense1x2::Light);
        return Ok(picture.light_color(Dense1x2::Dark).build());
    }
    let lines = picture.build();
    let lines = lines
        .lines()
        .map(|line| format!("\x1b[30;107m{line}\x1b[0m"));
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The modules of a picture without colours, including its margins: whether each is dark.
    fn modules(picture: &str) -> Vec<Vec<bool>> {
        let halves = |line: &str, upper: bool| {
            let is_light = |c| match c {
                '█' => true,
                '▀' => upper,
                '▄' => !upper,
                _ => false,
            };
            line.chars().map(|c| !is_light(c)).collect()
        };
        let lines = picture.lines();
        lines
            .flat_map(|line| [halves(line, true), halves(line, false)])
            .collect()
    }

    #[test]
    fn what_is_drawn_is_the_code_with_its_margins() {
        let text = "http://192.168.1.7:41873/ana/demo";
        let code = QrCode::with_error_correction_level(text, EcLevel::L).unwrap();
        let (width, colors) = (code.width(), code.to_colors());
        let drawn = modules(&drawn(text, 80, false).unwrap());
        assert!(drawn.len() >= width + MARGINS);
        for (y, row) in drawn.iter().enumerate().take(width + MARGINS) {
            assert_eq!(row.len(), width + MARGINS);
            for (x, is_dark) in row.iter().enumerate() {
                let inside = |at: usize| (4..4 + width).contains(&at);
                let expected = inside(x)
                    && inside(y)
                    && colors[(y - 4) * width + x - 4] == qrcode::Color::Dark;
                assert_eq!(*is_dark, expected, "{x} {y}");
            }
        }
    }

    #[test]
    fn with_colours_it_is_dark_on_light_in_every_line() {
        let coloured = drawn("https://live.example/ana/demo", 80, true).unwrap();
        for line in coloured.lines() {
            let line = line.strip_prefix("\x1b[30;107m").unwrap();
            assert!(line.ends_with("\x1b[0m"));
        }
        assert!(
            coloured.lines().next().unwrap().contains("    "),
            "light margins"
        );
    }

    #[test]
    fn what_does_not_fit_is_said_so_with_what_is_needed() {
        let link = format!("http://127.0.0.1:41873/ana/demo#token={}", "x".repeat(220));
        let why = drawn(&link, 40, true).unwrap_err();
        let needed: usize = why.split(' ').find_map(|word| word.parse().ok()).unwrap();
        assert!(drawn(&link, needed, true).is_ok());
        assert!(drawn(&link, needed - 1, true).is_err());
        assert!(
            needed <= 80,
            "a link with a token fits a usual window: {needed}"
        );
        assert!(drawn(&"x".repeat(5_000), 1_000, true).is_err());
    }
}
