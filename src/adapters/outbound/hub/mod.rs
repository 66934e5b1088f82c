//! Fan-out: who receives what, and handing it over.
