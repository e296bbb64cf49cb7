import CCurl
import Glibc

/// Sets the options of an easy handle, and remembers the first that libcurl refused: an option that protects us must
/// not be missing silently.
final class TransferOptions {
    /// A response of so many bytes at most is read in small pieces.
    private static let smallResponse = 64 * 1024

    private let easy: UnsafeMutableRawPointer
    private(set) var failure: UInt32?

    init(easy: UnsafeMutableRawPointer) {
        self.easy = easy
    }

    /// Switches off what could lead a request elsewhere than where its URL says, or what acts on the whole process.
    func restrict(to schemes: [String]) {
        set(CURLOPT_PROTOCOLS_STR, schemes.joined(separator: ","))
        set(CURLOPT_FOLLOWLOCATION, 0)
        // Empty, not absent: without it the environment's proxy would be asked to connect, past the policy.
        set(CURLOPT_PROXY, "")
        set(CURLOPT_NETRC, Int(CURL_NETRC_IGNORED.rawValue))
        // No signals for time limits; sends are made without SIGPIPE.
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_SSL_VERIFYPEER, 1)
        set(CURLOPT_SSL_VERIFYHOST, 2)
        set(CURLOPT_HTTP_CONTENT_DECODING, 0)
        // A transfer that ends during name resolution must not wait for it: the lane serves all others.
        set(CURLOPT_QUICK_EXIT, 1)
    }

    func bound(_ request: HTTPRequest, _ settings: HTTPClient.Settings) {
        // Held for as long as a transfer waits for its answer: of the usual 16 KB most answers need a twentieth. Longer
        // ones come in more pieces.
        if request.receive == nil, request.maximumResponseBytes <= Self.smallResponse {
            set(CURLOPT_BUFFERSIZE, 1024)
        }
        set(CURLOPT_TIMEOUT_MS, Self.milliseconds(request.timeout))
        set(CURLOPT_CONNECTTIMEOUT_MS, Self.milliseconds(settings.connectTimeout))
        set(CURLOPT_MAXAGE_CONN, max(1, Int(settings.idleTimeout.components.seconds)))
        // A name may move: its connections are made anew from time to time.
        set(CURLOPT_MAXLIFETIME_CONN, 300)
        if let bundle = settings.certificateBundle { set(CURLOPT_CAINFO, bundle) }
    }

    /// TLS 1.2 is the least; libcurl shares connections and sessions only among transfers whose options are the same.
    func setTLS(_ tls: HTTPRequest.TLS?) {
        set(CURLOPT_SSLVERSION, tls?.requiresTLS13 == true ? CURL_SSLVERSION_TLSv1_3 : CURL_SSLVERSION_TLSv1_2)
        guard let tls else { return }
        if let authorities = tls.authorities { set(CURLOPT_CAINFO_BLOB, bytes: authorities) }
        if let identity = tls.identity {
            set(CURLOPT_SSLCERT_BLOB, bytes: identity.certificate)
            set(CURLOPT_SSLKEY_BLOB, bytes: identity.key)
        }
    }

    func setMethod(_ request: HTTPRequest) {
        // The least. The usual 64 KB are allocated for each request, and to free as much makes malloc tidy up its heap.
        set(CURLOPT_UPLOAD_BUFFERSIZE, 16 * 1024)
        let body = request.body ?? (["POST", "PUT", "PATCH"].contains(request.method) ? [] : nil)
        if let body {
            set(CURLOPT_POST, 1)
            // Copied by libcurl, which needs the size first: a body may hold NULs.
            note(collider_curl_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, Int(body.count)))
            (body + [0]).withUnsafeBytes {
                note(
                    collider_curl_set_pointer(
                        easy, CURLOPT_COPYPOSTFIELDS, UnsafeMutableRawPointer(mutating: $0.baseAddress)))
            }
        } else if request.method == "HEAD" {
            set(CURLOPT_NOBODY, 1)
        }
        set(CURLOPT_CUSTOMREQUEST, request.method)
    }

    /// Has the transfer hand a mail over. Each mail has a connection of its own: what was agreed on for one, its TLS
    /// and its login, never serves another.
    func setMail(_ mail: MailRequest, recipients: TextList, _ transfer: Transfer) {
        set(CURLOPT_MAIL_FROM, "<\(mail.sender)>")
        note(collider_curl_set_list(easy, CURLOPT_MAIL_RCPT, recipients.pointer))
        // All: without STARTTLS nothing is sent.
        set(CURLOPT_USE_SSL, Int(mail.security == .startTLS ? CURLUSESSL_ALL.rawValue : CURLUSESSL_NONE.rawValue))
        if let credentials = mail.credentials {
            set(CURLOPT_USERNAME, credentials.username)
            set(CURLOPT_PASSWORD, credentials.password)
            // The mechanisms that need nothing but these two; libcurl would rather look for a Kerberos ticket of ours.
            set(CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN")
        }
        set(CURLOPT_FRESH_CONNECT, 1)
        set(CURLOPT_FORBID_REUSE, 1)
        set(CURLOPT_UPLOAD, 1)
        note(collider_curl_set_offset(easy, CURLOPT_INFILESIZE_LARGE, Int(mail.message.count)))
        note(collider_curl_set_reader(easy, CURLOPT_READFUNCTION, giveMessage))
        note(collider_curl_set_pointer(easy, CURLOPT_READDATA, Unmanaged.passUnretained(transfer).toOpaque()))
    }

    func set(url: HTTPURL, headers: TextList, resolutions: TextList, words: UnsafeMutablePointer<CChar>) {
        note(collider_curl_set_url(easy, url.pointer))
        note(collider_curl_set_list(easy, CURLOPT_HTTPHEADER, headers.pointer))
        if resolutions.pointer != nil { note(collider_curl_set_list(easy, CURLOPT_RESOLVE, resolutions.pointer)) }
        note(collider_curl_set_pointer(easy, CURLOPT_ERRORBUFFER, words))
    }

    /// Has the callbacks find the transfer, which outlives its handle and so needs no reference more.
    func setReceivers(_ transfer: Transfer) {
        let place = Unmanaged.passUnretained(transfer).toOpaque()
        note(collider_curl_set_receiver(easy, CURLOPT_HEADERFUNCTION, receiveHead))
        note(collider_curl_set_pointer(easy, CURLOPT_HEADERDATA, place))
        note(collider_curl_set_receiver(easy, CURLOPT_WRITEFUNCTION, receiveBody))
        note(collider_curl_set_pointer(easy, CURLOPT_WRITEDATA, place))
        note(collider_curl_set_open_socket(easy, openSocket))
        note(collider_curl_set_pointer(easy, CURLOPT_OPENSOCKETDATA, place))
    }

    private func set(_ option: CURLoption, _ value: Int) {
        note(collider_curl_set_long(easy, option, value))
    }

    private func set(_ option: CURLoption, _ value: String) {
        note(collider_curl_set_string(easy, option, value))
    }

    private func set(_ option: CURLoption, bytes text: String) {
        var text = text
        text.withUTF8 { note(collider_curl_set_blob(easy, option, $0.baseAddress, $0.count)) }
    }

    private func note(_ code: CURLcode) {
        if code != CURLE_OK, failure == nil { failure = code.rawValue }
    }

    /// At least 1, because 0 would mean none.
    private static func milliseconds(_ duration: Duration) -> Int {
        let (seconds, attoseconds) = duration.components
        return max(1, Int(seconds) * 1_000 + Int(attoseconds / 1_000_000_000_000_000))
    }
}

// MARK: - What libcurl calls, on the lane

/// A head's line; answering with another count than was given ends the transfer.
private let receiveHead: @convention(c) (UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?) -> Int = {
    bytes, size, count, place in
    guard let bytes, let place else { return 0 }
    let transfer = Unmanaged<Transfer>.fromOpaque(place).takeUnretainedValue()
    let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
    guard transfer.head.receive(line) else {
        transfer.isHeadTooLarge = true
        return 0
    }
    transfer.reply?.receive(line)
    return size * count
}

/// The next piece of a mail; none ends it.
private let giveMessage: @convention(c) (UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?) -> Int = {
    bytes, size, count, place in
    guard let bytes, let place else { return 0 }
    let transfer = Unmanaged<Transfer>.fromOpaque(place).takeUnretainedValue()
    return transfer.give(to: UnsafeMutableRawBufferPointer(start: bytes, count: size * count))
}

/// A piece of the body. Counted here, because `CURLOPT_MAXFILESIZE` looks at `content-length` alone, and a body in
/// chunks has none.
private let receiveBody: @convention(c) (UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?) -> Int = {
    bytes, size, count, place in
    guard let bytes, let place else { return 0 }
    let transfer = Unmanaged<Transfer>.fromOpaque(place).takeUnretainedValue()
    return transfer.take(UnsafeRawBufferPointer(start: bytes, count: size * count))
}

/// Decides on the address that is about to be connected to: the last place where it can be decided, and the only one
/// that sees what name resolution gave.
private let openSocket:
    @convention(c) (UnsafeMutableRawPointer?, curlsocktype, UnsafeMutablePointer<curl_sockaddr>?) -> curl_socket_t = {
        place, _, target in
        guard let place, let target, let address = collider_curl_address(target) else { return collider_curl_no_socket }
        let transfer = Unmanaged<Transfer>.fromOpaque(place).takeUnretainedValue()
        guard let address = IPAddress(address, length: Int(target.pointee.addrlen)), transfer.policy.allows(address)
        else {
            transfer.deniedAddresses += 1
            return collider_curl_no_socket
        }
        transfer.openedSockets += 1
        transfer.countSocket()
        return socket(
            target.pointee.family, target.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue), target.pointee.protocol)
    }
