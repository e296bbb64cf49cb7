import HTTPTypes

/// Every kind of error that the gateway answers with; the raw value is the stable end of the `type` URI.
enum ProblemKind: String, CaseIterable {
    case malformedRequest = "malformed-request"
    case malformedJSON = "malformed-json"
    case invalidParameter = "invalid-parameter"
    case unauthenticated = "unauthenticated"
    case missingScope = "missing-scope"
    case forbidden = "forbidden"
    case notFound = "not-found"
    case methodNotAllowed = "method-not-allowed"
    case notAcceptable = "not-acceptable"
    case conflict = "conflict"
    case preconditionFailed = "precondition-failed"
    case preconditionRequired = "precondition-required"
    case rateLimited = "rate-limited"
    case bodyTooLarge = "body-too-large"
    case unsupportedMediaType = "unsupported-media-type"
    case headTooLarge = "head-too-large"
    case validationFailed = "validation-failed"
    case idReused = "id-reused"
    case tooManyAttempts = "too-many-attempts"
    case overloaded = "overloaded"
    case unavailable = "unavailable"
    case queryTimeout = "query-timeout"
    case internalError = "internal-error"

    var uri: String { "urn:collider:problem:\(rawValue)" }

    var status: HTTPResponse.Status {
        switch self {
        case .malformedRequest, .malformedJSON, .invalidParameter: .badRequest
        case .unauthenticated: .unauthorized
        case .missingScope, .forbidden: .forbidden
        case .notFound: .notFound
        case .methodNotAllowed: .methodNotAllowed
        case .notAcceptable: .notAcceptable
        case .conflict: .conflict
        case .preconditionFailed: .preconditionFailed
        case .preconditionRequired: .preconditionRequired
        case .rateLimited: .tooManyRequests
        case .bodyTooLarge: .contentTooLarge
        case .unsupportedMediaType: .unsupportedMediaType
        case .headTooLarge: .requestHeaderFieldsTooLarge
        case .validationFailed, .idReused: .unprocessableContent
        case .tooManyAttempts: .tooManyRequests
        case .overloaded, .unavailable, .queryTimeout: .serviceUnavailable
        case .internalError: .internalServerError
        }
    }

    var title: String {
        switch self {
        case .malformedRequest: "Malformed request"
        case .malformedJSON: "Malformed JSON"
        case .invalidParameter: "Invalid parameter"
        case .unauthenticated: "Authentication required"
        case .missingScope: "Missing scope"
        case .forbidden: "Forbidden"
        case .notFound: "Not found"
        case .methodNotAllowed: "Method not allowed"
        case .notAcceptable: "Not acceptable"
        case .conflict: "Conflict"
        case .preconditionFailed: "Precondition failed"
        case .preconditionRequired: "Precondition required"
        case .rateLimited: "Rate limit exceeded"
        case .bodyTooLarge: "Body too large"
        case .unsupportedMediaType: "Unsupported media type"
        case .headTooLarge: "Head too large"
        case .validationFailed: "Validation failed"
        case .idReused: "Id used for other content"
        case .tooManyAttempts: "Too many attempts"
        case .overloaded: "Overloaded"
        case .unavailable: "Unavailable"
        case .queryTimeout: "Query timeout"
        case .internalError: "Internal error"
        }
    }
}
