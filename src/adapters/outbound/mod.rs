//! What the application drives: stores, tokens, fan-out, clock and ids.
