//! SIGUSR1 to a program at work: it says what runs, and goes on as if nothing had happened.

use gitmind_test_support::{Ran, TempRepository, mind_command};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, PipeReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Bytes of a pipe.
const PIPE_BYTES: usize = 64 << 10;

/// How long a program may take to begin or to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A command at work, with its messages.
struct AtWork {
    child: Child,
    messages: Receiver<String>,
}

impl AtWork {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("it was built");
        let lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let (said, messages) = channel();
        // It ends with the pipe, or with whoever listens.
        std::thread::spawn(move || {
            lines.map_while(Result::ok).try_for_each(|line| said.send(line)).ok();
        });
        Self { child, messages }
    }

    fn ask(&self) {
        kill_process(Pid::from_child(&self.child), Signal::USR1).expect("it runs");
    }

    fn answer(&self) -> String {
        self.ask();
        self.messages.recv_timeout(PATIENCE).expect("an answer")
    }

    /// Waits until SIGUSR1 is in this set of signals of the process.
    fn wait_until(&self, set: &str) {
        let status = format!("/proc/{}/status", self.child.id());
        let bit = 1_u64 << (Signal::USR1.as_raw() - 1);
        let is_in_it = || {
            let text = std::fs::read_to_string(&status).expect("it runs");
            let mask = text.lines().find_map(|line| line.strip_prefix(set)).expect("a set");
            u64::from_str_radix(mask.trim_matches([':', '\t']), 16).expect("hex digits") & bit != 0
        };
        let begun = Instant::now();
        while !is_in_it() {
            assert!(begun.elapsed() < PATIENCE, "SIGUSR1 is not in {set}");
            std::thread::yield_now();
        }
    }

    fn end(self) -> Ran {
        let stderr = self.messages.iter().collect();
        Ran { stderr, ..Ran::new(self.child.wait_with_output().expect("it ends")) }
    }
}

/// Fails unless `line` is that of a live operation of the whole command under 256 MiB.
fn assert_tells(line: &str, op: &str) {
    let rest = line.strip_prefix(&format!("git-mind: {op}: ")).unwrap_or_else(|| panic!("{line}"));
    let (used, rest) = rest.split_once(" of 256.0 MiB, peak ").unwrap_or_else(|| panic!("{line}"));
    assert!(used.ends_with('B') && rest.contains(" 0 failed, "), "{line}");
    assert!(line.ends_with(" s (bytes of all operations)"), "{line}");
}

/// Lines of edges that no pipe holds.
fn lines() -> String {
    let end = "0123456789".repeat(4);
    let line =
        format!("{{\"source_oid\":\"{end}\",\"target_oid\":\"{end}\",\"timestamp_ms\":1}}\n");
    line.repeat(3 * PIPE_BYTES / line.len())
}

#[test]
fn an_import_that_waits_for_its_input_answers_and_then_ends_as_ever() {
    let lines = lines();
    let import = |times: usize| {
        let repository = TempRepository::fixture("small");
        let mut command = mind_command(repository.path(), &["import", "-"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut import = AtWork::start(&mut command);
        let mut input = import.child.stdin.take().expect("a pipe");
        // More than a pipe holds, so the import has read some of it when this returns.
        input.write_all(lines.as_bytes()).expect("it reads");
        for _ in 0..times {
            assert_tells(&import.answer(), "journal.append");
        }
        drop(input);
        import.end()
    };
    let [quiet, asked] = [0, 3].map(import);
    assert_eq!((asked.code, asked.stderr), (0, String::new()));
    assert_eq!(asked.stdout, quiet.stdout);
    assert!(quiet.stdout.starts_with("Imported "), "{}", quiet.stdout);
}

#[test]
fn with_call_sites_the_answer_says_who_holds_the_memory() {
    let repository = TempRepository::fixture("small");
    let mut command = mind_command(repository.path(), &["import", "-"]);
    command.env("GM_ALLOC_TRACE", "sites").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut import = AtWork::start(&mut command);
    let mut input = import.child.stdin.take().expect("a pipe");
    input.write_all(lines().as_bytes()).expect("it reads");
    let answer = import.answer();
    assert!(answer.starts_with("git-mind: journal.append: "), "{answer}");
    let next = || import.messages.recv_timeout(PATIENCE).expect("a line");
    let held = next();
    assert!(held.ends_with(" held at the peak:"), "{held}");
    let holder = next();
    assert!(holder.contains(" %, allocated by gitmind"), "{holder}");
    drop(input);
    assert_eq!(import.end().code, 0);
}

#[test]
fn a_rebuild_at_work_answers_and_gives_the_same_tree() {
    let repository = TempRepository::fixture("history");
    let tree = |ran: &Ran| {
        let document: serde_json::Value = serde_json::from_str(&ran.stdout).expect("a document");
        document["root_tree"].clone()
    };
    let args = ["cache-rebuild", "--force", "--json"];
    let quiet = repository.mind(&args);
    // One that has ended when it is asked proves nothing, and another is asked.
    let asked = (0..200).find_map(|_| {
        let mut command = mind_command(repository.path(), &args);
        command.stdout(Stdio::piped()).env("GITMIND_LOG_LEVEL", "INFO");
        let rebuild = AtWork::start(&mut command);
        let begun = rebuild.messages.recv_timeout(PATIENCE).expect("an event");
        assert!(begun.contains("event=rebuild_start"), "{begun}");
        rebuild.ask();
        let said = rebuild.messages.recv_timeout(PATIENCE).expect("an event or an answer");
        let ran = rebuild.end();
        assert_eq!((ran.code, tree(&ran)), (0, tree(&quiet)), "{ran:?}");
        said.starts_with("git-mind: ").then_some(said)
    });
    assert_tells(&asked.expect("one of them is at work"), "cache.rebuild");
}

/// A pipe that is full, so that whoever writes to it waits.
fn full_pipe() -> (PipeReader, Stdio) {
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    writer.write_all(&[b' '; PIPE_BYTES]).expect("it has room");
    (reader, writer.into())
}

#[test]
fn a_list_that_nobody_reads_answers_and_short_commands_survive() {
    let repository = TempRepository::fixture("medium");
    for (args, op) in [
        (&["list"][..], Some("journal.read")),
        (&["env"], None),
        (&["completions", "bash"], None),
        (&["man"], None),
    ] {
        let expected = repository.mind(args).ok();
        let (mut reader, writer) = full_pipe();
        let mut command = mind_command(repository.path(), args);
        let at_work = AtWork::start(command.stdout(writer));
        // It holds the other copy of the end that is written to.
        drop(command);
        if let Some(op) = op {
            at_work.wait_until("SigCgt");
            let mut answer = at_work.answer();
            while answer == "git-mind: no operation is running" {
                answer = at_work.answer();
            }
            assert_tells(&answer, op);
        } else {
            at_work.wait_until("SigIgn");
            at_work.ask();
        }
        let mut answer = String::new();
        reader.read_to_string(&mut answer).expect("UTF-8");
        let ran = at_work.end();
        assert_eq!((ran.code, ran.stderr), (0, String::new()), "{args:?}");
        assert_eq!(answer[PIPE_BYTES..], expected, "{args:?}");
    }
}
