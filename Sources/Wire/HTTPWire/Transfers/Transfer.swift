import CCurl
import Glibc

/// Owner of one easy handle, of everything that libcurl reads while it runs, and of what has been received.
///
/// Not Sendable: made, driven and freed on the lane of its loop.
final class Transfer {
    /// The handle; freed here, after the loop has taken it out of its multi handle.
    let easy: UnsafeMutableRawPointer
    private let url: HTTPURL
    private let headers: TextList
    private let resolutions: TextList
    /// libcurl writes its words here, also while it frees the handle.
    private let words = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

    let policy: AddressPolicy
    let maximumResponseBytes: Int
    private let receive: (@Sendable ([UInt8]) -> Void)?
    /// Counts a socket that is about to be opened.
    let countSocket: @Sendable () -> Void
    var head = ResponseHead()
    var body: [UInt8] = []
    var isTruncated = false
    var isHeadTooLarge = false
    /// Addresses that the policy refused, and those that it did not.
    var deniedAddresses = 0
    var openedSockets = 0

    init(
        _ request: HTTPRequest, policy: AddressPolicy, settings: HTTPClient.Settings,
        countSocket: @escaping @Sendable () -> Void
    ) throws(HTTPError) {
        url = try HTTPURL(request.url)
        headers = try TextList(headersOf: request)
        resolutions = try TextList(request.resolutions)
        guard TextList.isName(request.method) else { throw HTTPError(.invalidRequest, "the method is invalid") }
        guard let made = curl_easy_init() else { throw HTTPError(.invalidRequest, "out of memory") }
        easy = made
        words.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        self.policy = policy
        maximumResponseBytes = request.maximumResponseBytes
        receive = request.receive
        self.countSocket = countSocket
        let options = TransferOptions(easy: made)
        options.restrict()
        options.bound(request, settings)
        options.setTLS(request.tls)
        options.setMethod(request)
        options.set(url: url, headers: headers, resolutions: resolutions, words: words)
        options.setReceivers(self)
        if let failure = options.failure { throw HTTPError(.invalidRequest, "libcurl refused an option: \(failure)") }
    }

    deinit {
        curl_easy_cleanup(easy)
        words.deallocate()
    }

    /// Takes a piece of the body.
    ///
    /// - Returns: how much of it was wanted.
    func take(_ piece: UnsafeRawBufferPointer) -> Int {
        if let receive, (200..<300).contains(collider_curl_status(easy)) {
            receive(Array(piece))
            return piece.count
        }
        let room = maximumResponseBytes - body.count
        body.append(contentsOf: piece.prefix(room))
        guard piece.count <= room else {
            isTruncated = true
            return 0
        }
        return piece.count
    }

    /// What came of it.
    func outcome(_ code: CURLcode) -> Result<HTTPResponse, HTTPError> {
        judge(code).mapError { error in
            var error = error
            error.trace = trace
            return error
        }
    }

    /// libcurl's times count from the start; those of what did not happen are 0.
    private var trace: HTTPTrace {
        func time(_ info: CURLINFO) -> Int64 { Int64(collider_curl_time(easy, info)) }
        let (resolved, connected) = (time(CURLINFO_NAMELOOKUP_TIME_T), time(CURLINFO_CONNECT_TIME_T))
        let (encrypted, started) = (time(CURLINFO_APPCONNECT_TIME_T), time(CURLINFO_PRETRANSFER_TIME_T))
        let answered = time(CURLINFO_STARTTRANSFER_TIME_T)
        // A transfer that had a connection of the pool has all these times too, and they say nothing.
        let isNew = collider_curl_connections(easy) > 0
        let address = collider_curl_primary_address(easy).map { String(cString: $0) } ?? ""
        return HTTPTrace(
            nameLookup: resolved > 0 && (isNew || connected == 0) ? resolved : nil,
            connect: isNew && connected > 0 ? max(0, connected - resolved) : nil,
            handshake: isNew && encrypted > 0 ? max(0, encrypted - connected) : nil,
            firstByte: answered > 0 ? max(0, answered - started) : nil, total: time(CURLINFO_TOTAL_TIME_T),
            address: address.isEmpty ? nil : address)
    }

    private func judge(_ code: CURLcode) -> Result<HTTPResponse, HTTPError> {
        // Ended by ourselves, in the write callback: everything that was wanted is here.
        if code == CURLE_OK || code == CURLE_WRITE_ERROR && isTruncated {
            guard head.isComplete else {
                return .failure(HTTPError(.connection, "the connection ended within the headers"))
            }
            return .success(
                HTTPResponse(
                    status: Int(collider_curl_status(easy)), headers: head.fields, body: body, isTruncated: isTruncated,
                    trace: trace))
        }
        if isHeadTooLarge {
            return .failure(HTTPError(.response, "the headers have more than \(ResponseHead.maximumBytes) bytes"))
        }
        if code == CURLE_COULDNT_CONNECT && deniedAddresses > 0 && openedSockets == 0 {
            return .failure(HTTPError(.deniedAddress, "the host's address is not allowed"))
        }
        let text = words[0] == 0 ? String(cString: curl_easy_strerror(code)) : String(cString: words)
        return .failure(HTTPError(Self.kind(of: code), text.split(whereSeparator: \.isNewline).joined(separator: " ")))
    }

    private static func kind(of code: CURLcode) -> HTTPError.Code {
        switch code {
        case CURLE_OPERATION_TIMEDOUT: .timeout
        case CURLE_COULDNT_RESOLVE_HOST: .resolution
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CIPHER,
            CURLE_SSL_CERTPROBLEM, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS:
            .tls
        case CURLE_URL_MALFORMAT: .invalidRequest
        // Among them what is not HTTP at all: the scheme has been checked before.
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY, CURLE_WRITE_ERROR, CURLE_BAD_CONTENT_ENCODING,
            CURLE_HTTP2, CURLE_HTTP2_STREAM, CURLE_OUT_OF_MEMORY:
            .response
        default: .connection
        }
    }
}
