//! Values and rules: no IO, no clock, no serialisation.
