//! The text that Prometheus reads, family by family.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

use crate::application::counting::ClosedSet;
use crate::application::counting::{BOUNDS, Count, Durations, Tally};

/// The labels of a value, each with a name from a closed set.
type Labels<const N: usize> = [(&'static str, &'static str); N];

/// Writes families. A counter's name gets `_total` at its end.
pub(super) struct Sheet<'a>(pub DescriptorEncoder<'a>);

impl Sheet<'_> {
    /// Numbers that go up and down.
    pub(super) fn gauges<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (Labels<N>, u64)>,
    ) -> fmt::Result {
        let mut family = self
            .0
            .encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in rows {
            family.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    /// One such number.
    pub(super) fn gauge(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.gauges(name, help, [([], value)])
    }

    /// One such number, if it is known.
    pub(super) fn known(&mut self, name: &str, help: &str, value: Option<u64>) -> fmt::Result {
        value.map_or(Ok(()), |value| self.gauge(name, help, value))
    }

    /// Numbers that only go up.
    pub(super) fn counters<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (Labels<N>, u64)>,
    ) -> fmt::Result {
        let kind = MetricType::Counter;
        let mut family = self.0.encode_descriptor(name, help, None, kind)?;
        for (labels, value) in rows {
            let mut row = family.encode_family(&labels)?;
            row.encode_counter::<NoLabelSet, _, u64>(&value, None)?;
        }
        Ok(())
    }

    /// One such number.
    pub(super) fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.counters(name, help, [([], value)])
    }

    /// One such number of seconds.
    pub(super) fn seconds(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        let kind = MetricType::Counter;
        let mut family = self.0.encode_descriptor(name, help, None, kind)?;
        family.encode_counter::<NoLabelSet, _, u64>(&value, None)
    }

    /// How long something took, each time.
    pub(super) fn histograms<'d, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (Labels<N>, &'d Durations)>,
    ) -> fmt::Result {
        let kind = MetricType::Histogram;
        let mut family = self.0.encode_descriptor(name, help, None, kind)?;
        for (labels, durations) in rows {
            let bounds = BOUNDS.iter().map(|micros| f64::from(*micros) / 1e6);
            let bounds = bounds.chain([f64::INFINITY]);
            let buckets: Vec<_> = bounds.zip(durations.classes()).collect();
            let count = buckets.iter().map(|(_, count)| count).sum();
            let sum = durations.sum().as_secs_f64();
            let mut row = family.encode_family(&labels)?;
            row.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
        }
        Ok(())
    }
}

/// The counts of one closed set as rows.
pub(super) fn rows<K: ClosedSet>(
    label: &'static str,
    counts: &Tally<K>,
) -> impl Iterator<Item = (Labels<1>, u64)> {
    counts
        .iter()
        .map(move |(name, count): (_, &Count)| ([(label, name)], count.get()))
}

/// The values of two closed sets as rows.
pub(super) fn rows_of_two<'t, K: ClosedSet, L: ClosedSet, V>(
    [outer, inner]: [&'static str; 2],
    values: &'t Tally<K, Tally<L, V>>,
) -> impl Iterator<Item = (Labels<2>, &'t V)> {
    values.iter().flat_map(move |(name, values)| {
        let row = move |(other, value)| ([(outer, name), (inner, other)], value);
        values.iter().map(row)
    })
}
