//! The plain HTTP answers on the same port.
