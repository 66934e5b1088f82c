//! Every store in memory, for tests and for trying the server out.
