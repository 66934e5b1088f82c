//! Every rule of the protocol, and what breaks it.

use super::*;

/// Expects that each of the inputs ends in `error`, and that nothing counts afterwards.
fn expect(error: ProtocolError, inputs: &[Vec<u8>]) {
    for input in inputs {
        let mut decoder = Decoder::new(LIMIT);
        decoder.feed(input);
        let mut messages = Vec::new();
        decode_all(&mut decoder, &mut messages);
        assert_eq!(messages.pop(), Some(Err(error)), "{input:x?}");
        decoder.feed(&frame(0x81, b"more"));
        assert_eq!(decoder.decode(), Ok(None), "{input:x?}, and then more");
        if !matches!(error, ProtocolError::TooBig { .. }) {
            assert!(decoder.buffer.is_empty(), "nothing is kept");
            assert!(!decoder.in_message());
        }
    }
}

#[test]
fn a_client_frame_must_be_masked() {
    let bare = [
        b"\x81\x02".to_vec(),
        b"\x81\x02hi".to_vec(),
        b"\x89\0".to_vec(),
    ];
    expect(ProtocolError::Unmasked, &bare);
}

#[test]
fn reserved_bits_must_be_zero() {
    let firsts = [0xC1, 0xA1, 0x91, 0xC9, 0xA8, 0x9A];
    expect(
        ProtocolError::ReservedBit,
        &firsts.map(|first| frame(first, b"hi")),
    );
}

#[test]
fn reserved_opcodes_must_not_be_used() {
    for opcode in (0x3..=0x7).chain(0xB..=0xF) {
        expect(
            ProtocolError::ReservedOpcode,
            &[frame(0x80 | opcode, b""), frame(opcode, b"x")],
        );
    }
}

#[test]
fn a_length_must_be_in_its_shortest_form() {
    let medium = vec![0x82, 0xFE, 0, 125, 0, 0, 0, 0];
    let long = [125, 65_535, 1 << 63, u64::MAX].map(|length| header(0x82, length));
    expect(ProtocolError::LengthForm, &[medium]);
    expect(ProtocolError::LengthForm, &long);
}

#[test]
fn a_control_frame_must_be_short_and_whole() {
    for opcode in [0x8, 0x9, 0xA] {
        expect(
            ProtocolError::LongControl,
            &[frame(0x80 | opcode, &[0; 126])],
        );
        expect(ProtocolError::FragmentedControl, &[frame(opcode, b"")]);
    }
}

#[test]
fn a_continuation_must_have_something_to_continue() {
    let after_the_end = [frame(0x01, b""), frame(0x80, b""), frame(0x80, b"")].concat();
    expect(
        ProtocolError::StrayContinuation,
        &[frame(0x80, b"x"), frame(0x00, b"x"), after_the_end],
    );
}

#[test]
fn messages_must_not_be_interleaved() {
    let begin_and = |first| [frame(0x01, b"a"), frame(first, b"b")].concat();
    expect(
        ProtocolError::InterruptedMessage,
        &[0x81, 0x01, 0x82, 0x02].map(begin_and),
    );
}

#[test]
fn a_close_frame_must_have_a_code_that_may_be_sent() {
    expect(ProtocolError::ShortClose, &[frame(0x88, b"\x03")]);
    for code in [0_u16, 999, 1004, 1005, 1006, 1015, 2999, 5000] {
        expect(
            ProtocolError::CloseCode(code),
            &[frame(0x88, &code.to_be_bytes())],
        );
    }
}

#[test]
fn texts_and_reasons_must_be_utf8() {
    expect(
        ProtocolError::ReasonNotUtf8,
        &[frame(0x88, b"\x03\xe8\xff")],
    );
    let wrong = [
        &b"\xff"[..],
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xe2\x82",
    ];
    expect(
        ProtocolError::TextNotUtf8,
        &wrong.map(|text| frame(0x81, text)),
    );
    let cut_at_the_end = [frame(0x01, b"\xe2"), frame(0x80, b"\x82")].concat();
    let wrong_at_once = frame(0x01, b"\xc0");
    expect(ProtocolError::TextNotUtf8, &[cut_at_the_end, wrong_at_once]);
}

#[test]
fn a_message_must_keep_to_the_limit() {
    let too_big = ProtocolError::TooBig { max: LIMIT };
    expect(
        too_big,
        &[frame(0x82, &[0; LIMIT + 1]), frame(0x01, &[0; LIMIT + 1])],
    );
    expect(
        too_big,
        &[1 << 16, 1 << 40, i64::MAX as u64].map(|length| header(0x82, length)),
    );
    let begin = [frame(0x02, &[0; 600]), frame(0x00, &[0; 400])].concat();
    expect(too_big, &[[begin, frame(0x80, b"x")].concat()]);
}
