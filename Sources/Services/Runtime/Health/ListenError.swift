import Glibc
import NIOCore

/// A port that a process needs and can't have.
public struct ListenError: Error, Sendable, CustomStringConvertible {
    /// One line: which address, why, and the key that changes it.
    public let description: String

    /// Explains an error of binding a port; errors that are none of binding stay as they are.
    public static func explaining(_ error: any Error, host: String, port: Int, key: String) -> any Error {
        guard let failure = error as? IOError else { return error }
        return switch failure.errnoCode {
        case EADDRINUSE: ListenError(description: "port \(port) on \(host) is in use; set \(key)")
        case EACCES: ListenError(description: "port \(port) on \(host) needs more rights; set \(key) above 1023")
        case EADDRNOTAVAIL: ListenError(description: "\(host) is not an address of this machine")
        default: error
        }
    }
}
