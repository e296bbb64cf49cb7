import ArgumentParser

/// What ends a command: one line for the person who typed it, and a non-zero exit status.
///
/// The message says what happened and what to do about it; it never holds a secret.
struct CommandError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
