//! Accept loop, upgrade, framing and limits of the WebSocket transport (RFC 6455).
