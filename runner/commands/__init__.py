"""One file a verb: `main(out, *, …) -> ExitCode`, keywords named as on the command line."""
