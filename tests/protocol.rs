//! The protocol from outside: the real program, real sockets, and clients that know nothing but
//! the contract.

mod support;

mod protocol {
    mod authenticate;
    mod compatibility;
    mod reading;
    mod session;
    mod writing;
}
