//! Believes JSON Web Tokens.
