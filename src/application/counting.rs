//! Counts: the code that does something adds to them, and others read them.
//!
//! Every set of things that are counted separately is fixed, so no client can make one grow. Adding
//! is one relaxed addition, so numbers that are read together may be from different moments.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// A fixed set of things that are counted separately; `closed_set!` defines one.
pub trait ClosedSet: Copy + 'static {
    /// All its members.
    const ALL: &'static [Self];

    /// Its place in [`ALL`](Self::ALL).
    fn index(self) -> usize;

    /// What operators call it.
    fn name(self) -> &'static str;
}

/// Declares an enum whose variants each have a name, and makes it a [`ClosedSet`].
macro_rules! closed_set {
    (
        $(#[$meta:meta])* $vis:vis enum $set:ident {
            $($(#[$doc:meta])* $variant:ident = $name:literal,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $vis enum $set {
            $($(#[$doc])* $variant,)+
        }

        impl $crate::application::counting::ClosedSet for $set {
            const ALL: &'static [Self] = &[$(Self::$variant,)+];

            fn index(self) -> usize {
                self as usize
            }

            fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}
pub(crate) use closed_set;

/// How often something has happened, or how much of something there is.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Counts one more.
    pub fn one(&self) {
        self.add(1);
    }

    /// Counts `more`.
    pub fn add(&self, more: usize) {
        self.0.fetch_add(more as u64, Ordering::Relaxed);
    }

    /// Subtracts `less`, all of which has been added before.
    pub fn take(&self, less: usize) {
        self.0.fetch_sub(less as u64, Ordering::Relaxed);
    }

    /// Sets the number.
    pub fn set(&self, number: usize) {
        self.0.store(number as u64, Ordering::Relaxed);
    }

    /// The number now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How many parts a [`WideCount`] has: as many as there are busy threads on usual machines.
const PARTS: usize = 16;

/// A count to which many threads add all the time. Each thread adds to a part of its own: if all
/// wrote to the same number, that would cost more than the work that they count.
#[derive(Debug, Default)]
pub struct WideCount([Part; PARTS]);

/// One part, which shares no cache line with another.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Part(Count);

thread_local! {
    /// The part of the current thread.
    static PART: usize = {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        THREADS.fetch_add(1, Ordering::Relaxed) % PARTS
    };
}

impl WideCount {
    /// Counts `more`.
    pub fn add(&self, more: usize) {
        // A thread that is ending has no part of its own any more.
        let part = PART.try_with(|part| *part).unwrap_or(0);
        self.0[part].0.add(more);
    }

    /// The number now.
    pub fn get(&self) -> u64 {
        self.0.iter().map(|part| part.0.get()).sum()
    }
}

/// The upper bounds of the classes in which [`Durations`] counts, in microseconds.
pub const BOUNDS: [u32; 15] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 10_000_000,
];

/// How long something took: how many times fell into each class of [`BOUNDS`] or above the last
/// one, and how long all took together.
#[derive(Debug, Default)]
pub struct Durations {
    classes: [Count; BOUNDS.len() + 1],
    nanos: AtomicU64,
}

impl Durations {
    /// Counts one time.
    pub fn add(&self, took: Duration) {
        let micros = took.as_nanos().div_ceil(1_000);
        let class = BOUNDS.partition_point(|bound| u128::from(*bound) < micros);
        self.classes[class].one();
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// How many times fell into each class.
    pub fn classes(&self) -> [u64; BOUNDS.len() + 1] {
        std::array::from_fn(|class| self.classes[class].get())
    }

    /// How long all took together.
    pub fn sum(&self) -> Duration {
        Duration::from_nanos(self.nanos.load(Ordering::Relaxed))
    }
}

/// A value for each member of a closed set.
#[derive(Debug)]
pub struct Tally<K, V = Count> {
    values: Box<[V]>,
    keys: PhantomData<fn(K)>,
}

impl<K: ClosedSet, V: Default> Default for Tally<K, V> {
    fn default() -> Self {
        Self {
            values: K::ALL.iter().map(|_| V::default()).collect(),
            keys: PhantomData,
        }
    }
}

impl<K: ClosedSet, V> Tally<K, V> {
    /// The value of `key`.
    pub fn of(&self, key: K) -> &V {
        &self.values[key.index()]
    }

    /// Each name with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &V)> {
        K::ALL.iter().map(|key| (key.name(), self.of(*key)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_counts_up_to_its_bound_and_in_the_next_class_beyond() {
        let durations = Durations::default();
        for nanos in [0, 100_000, 100_001, 10_000_000_000, 10_000_000_001] {
            durations.add(Duration::from_nanos(nanos));
        }
        let mut expected = [0; BOUNDS.len() + 1];
        (expected[0], expected[1]) = (2, 1);
        (expected[14], expected[15]) = (1, 1);
        assert_eq!(durations.classes(), expected);
        assert_eq!(durations.sum(), Duration::from_nanos(20_000_200_002));
    }

    #[test]
    fn what_threads_add_is_all_there() {
        let count = WideCount::default();
        std::thread::scope(|scope| {
            for _ in 0..2 * PARTS {
                scope.spawn(|| (0..100).for_each(|number| count.add(number)));
            }
        });
        assert_eq!(count.get(), 2 * 16 * 4_950);
    }

    closed_set! {
        enum Colour {
            Red = "red",
            Green = "green",
            Blue = "blue",
        }
    }

    #[test]
    fn each_of_a_set_is_counted_apart_and_told_in_order() {
        let seen = Tally::<Colour>::default();
        seen.of(Colour::Green).add(3);
        seen.of(Colour::Green).take(1);
        seen.of(Colour::Blue).one();
        let told = |(name, count): (&'static str, &Count)| (name, count.get());
        let told: Vec<_> = seen.iter().map(told).collect();
        assert_eq!(told, [("red", 0), ("green", 2), ("blue", 1)]);
    }
}
