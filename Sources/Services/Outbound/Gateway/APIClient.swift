import Glibc
import HTTPWire
import Synchronization

/// Calls the gateway's API for the command line.
///
/// Its client reaches every address: the operator has chosen where the gateway is.
public struct APIClient: Sendable {
    /// What the gateway answered.
    public struct Answer: Sendable {
        /// The status code.
        public let status: Int
        /// Names in lower case, and values.
        public let headers: [(name: String, value: String)]
        /// The body, whole.
        public let body: [UInt8]
    }

    /// Largest body of an answer, in bytes.
    public static let maximumAnswerBytes = 64 * 1024 * 1024

    private let client: HTTPClient
    private let baseURL: String
    private let apiKey: String

    /// Opens a client, runs the body, and closes the client.
    ///
    /// - Parameter baseURL: of the gateway, such as `http://127.0.0.1:8080`.
    public static func withClient<R>(
        baseURL: String, apiKey: String, _ body: (APIClient) async throws -> R
    ) async throws -> R {
        var settings = HTTPClient.Settings()
        // As other clients have it: libcurl alone does not look there.
        settings.certificateBundle = getenv("SSL_CERT_FILE").map { String(cString: $0) }
        let client = HTTPClient(policy: .unrestricted, settings: settings)
        defer { client.close() }
        let base = baseURL.hasSuffix("/") ? String(baseURL.dropLast()) : baseURL
        return try await body(APIClient(client: client, baseURL: base, apiKey: apiKey))
    }

    /// Sends a request.
    ///
    /// - Parameters:
    ///   - path: begins with a slash, and is encoded already.
    ///   - body: JSON, or of the given type.
    /// - Throws: ``OutboundError`` when there is no whole answer; a refusal by the gateway is an answer.
    public func send(
        _ method: String, _ path: String, body: [UInt8]? = nil, contentType: String = "application/json",
        timeout: Duration = .seconds(60)
    ) async throws(OutboundError) -> Answer {
        var headers = [("authorization", "Bearer \(apiKey)"), OutboundRequest.userAgent]
        if body != nil { headers.append(("content-type", contentType)) }
        let request = HTTPRequest(
            method, baseURL + path, headers: headers, body: body, timeout: timeout,
            maximumResponseBytes: Self.maximumAnswerBytes)
        do throws(HTTPError) {
            let response = try await client.send(request)
            guard !response.isTruncated else {
                throw HTTPError(.response, "the answer has more than \(Self.maximumAnswerBytes) bytes")
            }
            return Answer(status: response.status, headers: response.headers, body: response.body)
        } catch {
            throw explain(error)
        }
    }

    /// Opens a stream and hands over what comes, until it ends.
    ///
    /// - Parameters:
    ///   - path: begins with a slash, and is encoded already.
    ///   - headers: beside the key.
    ///   - silence: how long nothing may come before the stream is given up as dead.
    ///   - receive: called in order; while it takes its time, nothing more is read.
    /// - Returns: the answer when the gateway has ended the stream, or refused it, in which case its body says why.
    /// - Throws: ``OutboundError`` when the stream broke, was silent, or could not be opened.
    public func stream(
        _ path: String, headers: [(name: String, value: String)] = [], silence: Duration = .seconds(45),
        receive: @escaping @Sendable ([UInt8]) -> Void
    ) async throws(OutboundError) -> Answer {
        var request = HTTPRequest(
            "GET", baseURL + path,
            headers: [("authorization", "Bearer \(apiKey)"), OutboundRequest.userAgent] + headers)
        // Every request has a time limit; whoever streams for longer goes on with a new one.
        request.timeout = .seconds(24 * 3_600)
        let signs = SignsOfLife()
        let outcome = await withTaskGroup(of: Result<HTTPResponse, HTTPError>.self) { [request] group in
            group.addTask {
                do throws(HTTPError) {
                    return .success(
                        try await client.stream(request) {
                            signs.begin()
                            receive($0)
                            signs.end()
                        })
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                while !signs.isSilent(for: silence), !Task.isCancelled { try? await Task.sleep(for: .seconds(1)) }
                return .failure(HTTPError(.timeout, "nothing came for \(silence)"))
            }
            let first = await group.next() ?? .failure(HTTPError(.cancelled, "the task was cancelled"))
            group.cancelAll()
            return first
        }
        switch outcome {
        case .success(let response):
            return Answer(status: response.status, headers: response.headers, body: response.body)
        case .failure(let error):
            throw explain(error)
        }
    }

    private func explain(_ error: HTTPError) -> OutboundError {
        switch error.code {
        case .invalidRequest: OutboundError(.invalidRequest, "can't call \(baseURL): \(error.message)")
        case .response: OutboundError(.response, "\(baseURL) gave an answer that can't be used: \(error.message)")
        case .timeout: OutboundError(.unreachable, "\(baseURL) did not answer in time: \(error.message)")
        default: OutboundError(.unreachable, "can't reach the gateway at \(baseURL): \(error.message)")
        }
    }
}

/// When something came last; while it is being received, time does not count.
private final class SignsOfLife: Sendable {
    private let last = Mutex<ContinuousClock.Instant?>(.now)

    func begin() {
        last.withLock { $0 = nil }
    }

    func end() {
        last.withLock { $0 = .now }
    }

    func isSilent(for silence: Duration) -> Bool {
        last.withLock { last in last.map { ContinuousClock.now - $0 >= silence } ?? false }
    }
}
