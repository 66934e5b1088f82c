use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::adapters::inbound::transport::frame::close_code::CloseCode;

#[path = "protocol_error_tests.rs"]
mod protocol_errors;

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const LIMIT: usize = 1000;

/// A masked client frame with these first header bits and this payload.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        short @ 0..126 => bytes.push(0x80 | u8::try_from(short).expect("short")),
        medium @ 126..65_536 => {
            bytes.push(0x80 | 0x7e);
            bytes.extend_from_slice(&u16::try_from(medium).expect("medium").to_be_bytes());
        }
        long => {
            bytes.push(0x80 | 0x7f);
            bytes.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(&MASK);
    let start = bytes.len();
    bytes.extend_from_slice(payload);
    unmask(&mut bytes[start..], MASK, 0);
    bytes
}

/// A header that declares `length` and no payload.
fn header(first: u8, length: u64) -> Vec<u8> {
    let mut bytes = vec![first, 0x80 | 0x7f];
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&MASK);
    bytes
}

fn decode_all(decoder: &mut Decoder, messages: &mut Vec<Result<Incoming, ProtocolError>>) {
    loop {
        match decoder.decode() {
            Ok(Some(Incoming::Fragment(_))) => {}
            Ok(Some(incoming)) => messages.push(Ok(incoming)),
            Ok(None) => return,
            Err(error) => messages.push(Err(error)),
        }
    }
}

fn decode(bytes: &[u8]) -> Vec<Result<Incoming, ProtocolError>> {
    let mut decoder = Decoder::new(LIMIT);
    decoder.feed(bytes);
    let mut messages = Vec::new();
    decode_all(&mut decoder, &mut messages);
    messages
}

fn text(payload: &'static str) -> Incoming {
    Incoming::Text(Bytes::from_static(payload.as_bytes()))
}

fn binary(payload: &'static [u8]) -> Incoming {
    Incoming::Binary(Bytes::from_static(payload))
}

#[test]
fn a_message_over_the_limit_is_taken_once_the_limit_has_been_raised() {
    let mut decoder = Decoder::new(2);
    decoder.feed(&frame(0x82, b"abc"));
    decoder.feed(&frame(0x82, b"d"));
    let over = Err(ProtocolError::TooBig { max: 2 });
    assert_eq!(decoder.decode(), over);
    decoder.set_max_message_bytes(2);
    assert_eq!(decoder.decode(), over);
    assert_eq!(decoder.decode(), Ok(None), "it is told once");
    decoder.set_max_message_bytes(3);
    assert_eq!(decoder.decode(), Ok(Some(binary(b"abc"))));
    assert_eq!(decoder.decode(), Ok(Some(binary(b"d"))));
}

#[test]
fn whole_messages_come_out_as_they_were_sent() {
    assert_eq!(
        decode(&frame(0x81, "héllo".as_bytes())),
        [Ok(text("héllo"))]
    );
    assert_eq!(decode(&frame(0x82, b"\xff\0")), [Ok(binary(b"\xff\0"))]);
    assert_eq!(decode(&frame(0x81, b"")), [Ok(text(""))]);
    assert_eq!(
        decode(&frame(0x89, b"ping")),
        [Ok(Incoming::Ping(Bytes::from_static(b"ping")))]
    );
    assert_eq!(
        decode(&frame(0x8A, b"pong")),
        [Ok(Incoming::Pong(Bytes::from_static(b"pong")))]
    );
}

#[test]
fn fragments_make_one_message_with_control_frames_in_between() {
    let bytes = [
        frame(0x01, b"a\xe2"),
        frame(0x89, b""),
        frame(0x00, b"\x82"),
        frame(0x00, b""),
        frame(0x80, b"\xac"),
        frame(0x02, b"x"),
        frame(0x80, b""),
    ]
    .concat();
    let ping = Ok(Incoming::Ping(Bytes::new()));
    assert_eq!(decode(&bytes), [ping, Ok(text("a€")), Ok(binary(b"x"))]);
}

#[test]
fn a_close_frame_ends_everything() {
    for (payload, close) in [
        (&b""[..], None),
        (b"\x03\xe8", Some((CloseCode::NORMAL, String::new()))),
        (
            b"\x03\xe9bye",
            Some((CloseCode::GOING_AWAY, "bye".to_owned())),
        ),
    ] {
        let bytes = [frame(0x88, payload), frame(0x81, b"late"), vec![0xff; 100]].concat();
        assert_eq!(decode(&bytes), [Ok(Incoming::Close(close))]);
    }
}

#[test]
fn the_limit_itself_is_allowed_in_one_frame_and_in_fragments() {
    assert!(decode(&frame(0x82, &[0; LIMIT]))[0].is_ok());
    let fragments = [frame(0x02, &[0; 600]), frame(0x80, &[0; 400])].concat();
    assert!(decode(&fragments)[0].is_ok());
}

#[test]
fn the_limit_can_be_changed_between_messages() {
    let mut decoder = Decoder::new(4);
    decoder.set_max_message_bytes(8);
    decoder.feed(&frame(0x82, &[0; 8]));
    assert!(matches!(decoder.decode(), Ok(Some(_))));
    decoder.set_max_message_bytes(4);
    decoder.feed(&frame(0x82, &[0; 8]));
    assert_eq!(decoder.decode(), Err(ProtocolError::TooBig { max: 4 }));
}

#[test]
fn invalid_text_is_noticed_before_its_frame_is_whole() {
    let bytes = frame(0x81, b"\xce\xba\xf4\x90\x80\x80 and so on");
    // The header takes six bytes; F4 90 cannot begin a character.
    let mut decoder = Decoder::new(LIMIT);
    decoder.feed(&bytes[..9]);
    assert_eq!(decoder.decode(), Ok(None));
    decoder.feed(&bytes[9..10]);
    assert_eq!(decoder.decode(), Err(ProtocolError::TextNotUtf8));
}

#[test]
fn it_knows_whether_a_message_is_in_progress() {
    let mut decoder = Decoder::new(LIMIT);
    for (bytes, in_message, count) in [
        (&frame(0x89, b"ping")[..3], false, 0),
        (&frame(0x89, b"ping")[3..], false, 0),
        (&[0x01], true, 0),
        (&frame(0x01, b"abc")[1..7], true, 1),
        (&frame(0x01, b"abc")[7..], true, 3),
        (&frame(0x89, b"ping"), true, 3),
        (&frame(0x80, b"de")[..7], true, 4),
        (&frame(0x80, b"de")[7..], false, 0),
        (&frame(0x82, b"xyz")[..8], true, 2),
        (&frame(0x82, b"xyz")[8..], false, 0),
    ] {
        decoder.feed(bytes);
        decode_all(&mut decoder, &mut Vec::new());
        assert_eq!(
            (decoder.in_message(), decoder.message_bytes()),
            (in_message, count)
        );
    }
}

#[test]
fn a_declared_length_allocates_nothing() {
    let mut decoder = Decoder::new(usize::MAX);
    decoder.feed(&header(0x82, 1 << 40));
    assert_eq!(decoder.decode(), Ok(None));
    let (buffer, room) = decoder.read_into(4096);
    assert_eq!(room, 4096);
    assert!(buffer.capacity() <= 8192, "{}", buffer.capacity());
}

#[test]
fn a_long_message_is_read_in_growing_steps() {
    let mut decoder = Decoder::new(usize::MAX);
    let message = frame(0x82, &vec![7; 256 * 1024]);
    let (mut sent, mut reads) = (0, 0);
    let messages = loop {
        if let Some(incoming) = decoder.decode().expect("well-formed") {
            break incoming;
        }
        let (buffer, room) = decoder.read_into(8192);
        let end = message.len().min(sent + room);
        buffer.extend_from_slice(&message[sent..end]);
        sent = end;
        reads += 1;
    };
    assert_eq!(messages, Incoming::Binary(vec![7; 256 * 1024].into()));
    assert!(reads <= 10, "{reads} reads");
}

#[test]
fn a_long_message_takes_hardly_more_memory_than_it_has_bytes() {
    const LENGTH: usize = 3 << 20;
    // What a read finds is at most one packet of the loopback interface, for instance.
    for (first, at_most) in [
        (0x82, usize::MAX),
        (0x02, usize::MAX),
        (0x82, 65_483),
        (0x02, 1_448),
    ] {
        let mut decoder = Decoder::new(usize::MAX);
        // More is to come, so that the message is still in the decoder.
        decoder.feed(&header(first, LENGTH as u64 + 1));
        let mut fed = 0;
        while fed < LENGTH {
            assert_eq!(decoder.decode(), Ok(None));
            let (buffer, room) = decoder.read_into(8192);
            let fitting = room.min(LENGTH - fed).min(at_most);
            buffer.extend_from_slice(&vec![7; fitting]);
            fed += fitting;
        }
        assert_eq!(decoder.decode(), Ok(None));
        let fragments = decoder.fragments.as_ref().map_or(0, Fragments::capacity);
        let capacity = decoder.buffer.capacity() + fragments;
        assert!(capacity <= LENGTH + CHUNK + 2 * MAX_READ, "{capacity}");
    }
}

#[test]
fn an_idle_decoder_keeps_no_memory() {
    let mut decoder = Decoder::new(usize::MAX);
    for payload in [10, 1 << 20] {
        let (buffer, _) = decoder.read_into(8192);
        buffer.extend_from_slice(&frame(0x82, &vec![1; payload]));
        buffer.extend_from_slice(&[0x81]);
        assert!(matches!(decoder.decode(), Ok(Some(Incoming::Binary(_)))));
        assert_eq!(decoder.decode(), Ok(None));
        decoder.release();
        assert!(decoder.buffer.capacity() <= KEEP, "with a header half read");
        decoder.feed(&frame(0x81, b"")[1..]);
        assert!(matches!(decoder.decode(), Ok(Some(Incoming::Text(_)))));
        decoder.release();
        assert_eq!(decoder.buffer.capacity(), 0);
    }
}

#[test]
fn a_message_in_one_frame_is_not_copied() {
    let mut decoder = Decoder::new(usize::MAX);
    decoder.feed(&frame(0x82, &[5; 500]));
    let read_at = decoder.buffer.as_ptr() as usize;
    let Ok(Some(Incoming::Binary(payload))) = decoder.decode() else {
        panic!("a message was fed");
    };
    assert_eq!(payload.as_ptr() as usize, read_at + 8, "behind its header");
}

/// Frames that make sense, and now and then one that doesn't.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        8 => prop::sample::select(vec![0x81_u8, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8A]),
        1 => any::<u8>(),
    ];
    let payload = prop_oneof![
        4 => "[a-zé€😀]{0,40}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..200),
    ];
    prop::collection::vec(
        (first, payload).prop_map(|(first, payload)| frame(first, &payload)),
        0..12,
    )
    .prop_map(|frames| frames.concat())
}

proptest! {
    #[test]
    fn however_the_bytes_are_cut_the_messages_are_the_same(
        bytes in frames(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        release in any::<bool>(),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.sort_unstable();
        let mut decoder = Decoder::new(LIMIT);
        let mut messages = Vec::new();
        let mut start = 0;
        for end in cuts.into_iter().chain([bytes.len()]) {
            decoder.feed(&bytes[start..end]);
            start = end;
            decode_all(&mut decoder, &mut messages);
            if release {
                decoder.release();
            }
        }
        prop_assert_eq!(messages, decode(&bytes));
    }

    #[test]
    fn no_bytes_at_all_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        decode(&bytes);
    }
}
