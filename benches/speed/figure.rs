//! Figures, and the ratios that count.

use serde::{Deserialize, Serialize};

/// A row of the table, and a bar of a plot.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    /// For the guard, which compares it with the recorded value.
    pub id: String,
    /// For people.
    pub name: String,
    pub unit: String,
    pub ours: f64,
    /// The least possible cost, in the same run; `None` if there is no such thing.
    pub floor: Option<f64>,
    /// The ratio to the floor: the median of the rounds' ratios.
    pub ratio: Option<f64>,
    pub peers: Vec<(String, f64)>,
    pub goal: Goal,
}

/// What a row should reach.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Goal {
    /// At most this ratio to the floor.
    Ratio(f64),
    /// At least this ratio to the floor.
    LeastRatio(f64),
    /// At most this figure.
    Figure(f64),
    /// No goal, for information only.
    None,
}

impl Row {
    /// Whether the goal is reached.
    pub fn is_reached(&self) -> bool {
        let ratio = self.ratio.unwrap_or(f64::NAN);
        let is_below_peers = self.peers.iter().all(|(_, peer)| self.ours < *peer);
        is_below_peers
            && match self.goal {
                Goal::Ratio(most) => ratio <= most,
                Goal::LeastRatio(least) => ratio >= least,
                Goal::Figure(most) => self.ours <= most,
                Goal::None => true,
            }
    }
}

/// The rounds of one measurement.
#[derive(Default)]
pub struct Rounds {
    pub ours: Vec<f64>,
    pub floor: Vec<f64>,
    pub peers: Vec<(String, Vec<f64>)>,
}

impl Rounds {
    pub fn peer(&mut self, name: &str, figure: f64) {
        match self.peers.iter_mut().find(|(known, _)| known == name) {
            Some((_, figures)) => figures.push(figure),
            None => self.peers.push((name.to_owned(), vec![figure])),
        }
    }

    /// The row of these rounds.
    pub fn row(mut self, id: &str, name: &str, unit: &str, goal: Goal) -> Row {
        let mut ratios: Vec<_> = self
            .ours
            .iter()
            .zip(&self.floor)
            .map(|(ours, floor)| ours / floor)
            .collect();
        let has_floor = !ratios.is_empty();
        Row {
            id: id.to_owned(),
            name: name.to_owned(),
            unit: unit.to_owned(),
            ours: median(&mut self.ours),
            floor: has_floor.then(|| median(&mut self.floor)),
            ratio: has_floor.then(|| median(&mut ratios)),
            peers: self
                .peers
                .into_iter()
                .map(|(name, mut figures)| (name, median(&mut figures)))
                .collect(),
            goal,
        }
    }
}

/// The median.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
