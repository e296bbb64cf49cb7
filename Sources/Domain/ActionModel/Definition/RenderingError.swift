/// An action can't be rendered for an event; trying again would give the same.
public enum RenderingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is rendered.
    public enum Part: String, Sendable {
        /// An address that a mail goes to.
        case address
        /// The body of a request.
        case body
        /// The data of an event.
        case data
        /// A header's value.
        case header
        /// The buttons under a message.
        case markup
        /// The address of a picture.
        case photo
        /// What a mail or an event is about.
        case subject
        /// The text of a message.
        case text
        /// The address of a request.
        case url
    }

    /// A value is missing, and its placeholder, named here, declares no default.
    case missing(String)
    /// It grew beyond its bound, in bytes.
    case tooLarge(Part, limit: Int)
    /// Its sections repeat too much.
    case tooManySteps(Part, limit: Int)
    /// What came of it can't be sent, for the reason given.
    case invalid(Part, String)

    /// Says what is wrong.
    public var description: String {
        switch self {
        case .missing(let path): "{{\(path)}} is missing, and its placeholder has no default"
        case .tooLarge(let part, let limit): "the rendered \(part.rawValue) has more than \(limit) bytes"
        case .tooManySteps(let part, let limit): "the sections of the \(part.rawValue) take more than \(limit) steps"
        case .invalid(let part, let reason): "the rendered \(part.rawValue) \(reason)"
        }
    }
}
