//! What waits to be sent to one connection.

/// What waits to be sent to one connection.
pub struct Mailbox<F>(std::marker::PhantomData<F>);
