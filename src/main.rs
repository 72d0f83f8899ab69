use std::process::ExitCode;

fn main() -> ExitCode {
    faceprobe::cli::main()
}
