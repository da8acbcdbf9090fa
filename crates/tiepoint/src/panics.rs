//! A panic is a mistake of ours; whatever its message holds, a token does not leave with it.
//!
//! The hook says one line, and a backtrace where `RUST_BACKTRACE` asks for one, both after every token that this process knows
//! was taken out of them.

use polite_http::Secret;
use std::any::Any;
use std::backtrace::Backtrace;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};

/// Sets the hook.
pub(crate) fn hide_tokens() {
    std::panic::set_hook(Box::new(|panic| crate::progress::say(&words(panic))));
}

/// Runs the program; a panic is an end like any other failure.
pub(crate) fn caught<T>(program: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(program)).ok()
}

fn words(panic: &PanicHookInfo<'_>) -> String {
    let place = panic.location().map_or_else(String::new, |place| format!(" at {}:{}", place.file(), place.line()));
    let mut text = format!(
        "tiepoint: a mistake in the program{place}: {}\nWhat was fetched is kept: run the same command again to go on. Please report this line.",
        message(panic.payload())
    );
    let wants_backtrace = std::env::var_os("RUST_BACKTRACE").is_some_and(|value| !value.is_empty() && value != "0");
    if wants_backtrace {
        text.push('\n');
        text.push_str(&Backtrace::force_capture().to_string());
    }
    Secret::scrub_known(&text).unwrap_or_else(|| "tiepoint: a mistake in the program, at a bad moment".to_owned())
}

fn message(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no message)")
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use std::process::Command;

    const TOKEN: &str = "MLY|4223665974375089|deadbeefcafe0123deadbeefcafe0123";
    const CHILD: &str = "TIEPOINT_TEST_PANIC";

    /// Panics on the main thread, on another and inside a runtime, with the token in all its dresses.
    fn child() {
        hide_tokens();
        let token = Secret::new(TOKEN);
        let percent: String = url::form_urlencoded::byte_serialize(TOKEN.as_bytes()).collect();
        let message =
            format!("{TOKEN} {percent} {} {}", STANDARD.encode(TOKEN), URL_SAFE_NO_PAD.encode(format!("x{TOKEN}")));
        let url = format!("https://tiles.example/1?access_token={percent}");
        assert!(caught(|| panic!("main {message} {token:?}")).is_none());
        let (of_thread, of_task) = (message.clone(), url.clone());
        assert!(std::thread::spawn(move || panic!("thread {of_thread}")).join().is_err());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        assert!(runtime.block_on(async { tokio::spawn(async move { panic!("task {of_task}") }).await }).is_err());
        assert!(caught(|| message.parse::<u32>().expect(&message)).is_none());
    }

    #[test]
    fn a_panic_with_the_token_in_its_message_does_not_print_it() {
        if std::env::var_os(CHILD).is_some() {
            return child();
        }
        for backtrace in ["0", "1", "full"] {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(["--exact", "panics::tests::a_panic_with_the_token_in_its_message_does_not_print_it"]);
            let output = command.arg("--nocapture").env(CHILD, "1").env("RUST_BACKTRACE", backtrace).output().unwrap();
            let text = [output.stdout.clone(), output.stderr.clone()].concat();
            let text = String::from_utf8_lossy(&text);
            assert!(output.status.success(), "{text}");
            assert_eq!(text.matches("a mistake in the program at").count(), 4, "{text}");
            assert!(text.contains("REDACTED") && text.contains("main ") && text.contains("task "), "{text}");
            let core = STANDARD.encode("deadbeefcafe0123deadbeefcafe0123");
            for canary in ["deadbeefcafe0123", "4223665974375089%7C", &core[4..core.len() - 8]] {
                assert!(!text.contains(canary), "{canary} in\n{text}");
            }
        }
    }
}
