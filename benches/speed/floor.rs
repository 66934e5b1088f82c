//! Floors: the least possible cost of the same outcome, in a separate process without tasks,
//! without safety, in a plain loop.

use std::fs::{self, File};
use std::io::{IoSlice, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The first byte on a connection to a fan-out: whether it publishes or listens.
pub const PUBLISHER: u8 = b'P';
pub const SUBSCRIBER: u8 = b'S';

/// Frames that one `writev` takes here; the server's own bound.
const BATCH: usize = 64;

/// Runs as the floor that the command line names.
pub fn run(args: &[String]) {
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse::<usize>().expect("a number");
    match args[..] {
        ["fanout", frame, subscribers] => fan_out(number(frame), number(subscribers)),
        ["files", folder, count, bytes, writers, durability] => write_files(
            Path::new(folder),
            number(count),
            number(bytes),
            number(writers),
            durability == "fsync",
        ),
        ["fetch", folder] => fetch(Path::new(folder)),
        _ => panic!("no such floor: {args:?}"),
    }
}

fn listen() -> TcpListener {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    println!("{}", listener.local_addr().expect("bound").port());
    listener
}

/// Sends each listener the publisher's frames in one write, as many as have arrived.
fn fan_out(frame: usize, subscribers: usize) {
    let listener = listen();
    let mut listeners = Vec::new();
    let mut publisher = None;
    while listeners.len() < subscribers || publisher.is_none() {
        let (mut stream, _) = listener.accept().expect("a connection");
        stream.set_nodelay(true).expect("set");
        let mut role = [0];
        stream.read_exact(&mut role).expect("a role");
        if role[0] == PUBLISHER {
            publisher = Some(stream);
        } else {
            listeners.push(stream);
        }
    }
    let mut publisher = publisher.expect("a publisher");
    let content = vec![b'x'; frame];
    let mut buffer = vec![0; frame * BATCH];
    let mut kept = 0;
    loop {
        let read = publisher.read(&mut buffer).unwrap_or(0);
        if read == 0 {
            return;
        }
        let count = (kept + read) / frame;
        kept = (kept + read) % frame;
        for stream in &mut listeners {
            write_all(stream, &content, count);
        }
    }
}

fn write_all(stream: &mut TcpStream, content: &[u8], count: usize) {
    if count == 1 {
        return stream.write_all(content).expect("written");
    }
    let mut slices = vec![IoSlice::new(content); count];
    let mut slices = slices.as_mut_slice();
    while !slices.is_empty() {
        let written = stream.write_vectored(slices).expect("written");
        IoSlice::advance_slices(&mut slices, written);
    }
}

/// Waits for a line on the input, then creates, writes and renames files with this many writers at
/// once; reports when it is done, and waits for the input to end.
fn write_files(folder: &Path, count: usize, bytes: usize, writers: usize, is_synced: bool) {
    println!("0");
    let _ = std::io::stdin().read_line(&mut String::new());
    let content = vec![b'x'; bytes];
    let write_share = |writer| {
        for number in (writer..count).step_by(writers) {
            write_file(folder, number, &content, is_synced);
        }
    };
    thread::scope(|scope| {
        for writer in 1..writers {
            let write_share = &write_share;
            scope.spawn(move || write_share(writer));
        }
        // On the main thread, whose processor time can still be read when it is done.
        write_share(0);
    });
    println!("done");
    let _ = std::io::stdin().read_line(&mut String::new());
}

fn write_file(folder: &Path, number: usize, content: &[u8], is_synced: bool) {
    let temporary = folder.join(format!("{number}.tmp"));
    let mut file = File::create(&temporary).expect("created");
    file.write_all(content).expect("written");
    if is_synced {
        file.sync_all().expect("synced");
    }
    drop(file);
    fs::rename(&temporary, folder.join(number.to_string())).expect("renamed");
    if is_synced {
        let folder = File::open(folder).expect("a folder");
        folder.sync_all().expect("synced");
    }
}

/// Answers each connection with every file of a folder: read, encoded, written. One thread for all
/// of them, in turn.
fn fetch(folder: &Path) {
    let listener = listen();
    let paths: Vec<_> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    for stream in listener.incoming() {
        let mut stream = stream.expect("a connection");
        let mut role = [0];
        stream.read_exact(&mut role).expect("a role");
        for path in &paths {
            let content = fs::read(path).expect("read");
            let text = STANDARD.encode(content);
            stream.write_all(text.as_bytes()).expect("written");
        }
    }
}
