/// A configuration value that stops the start.
///
/// The text names the key and what it accepts. It repeats the given value only where the key is not a secret, so it
/// can be printed and logged as it is.
public struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Name of the environment variable, `SERVER_PORT`.
    public let key: String
    /// What is wrong and what is accepted, one sentence without the key.
    public let message: String

    /// Creates an error about one key.
    public init(key: String, message: String) {
        self.key = key
        self.message = message
    }

    /// `SERVER_PORT: "80 80" is not an integer from 1 to 65535`.
    public var description: String { "\(key): \(message)" }
}
