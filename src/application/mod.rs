//! Use cases, the session and the ports.
