import CCurl

/// Owner of one `CURLU`: a URL that has been checked, in the parsed form that the transfer uses, so that no second
/// parser can read it another way.
///
/// Not Sendable: it lives in a transfer, on the lane.
final class HTTPURL {
    let pointer: OpaquePointer

    init(_ text: String, schemes: [String]) throws(HTTPError) {
        guard let made = curl_url() else { throw HTTPError(.invalidRequest, "out of memory") }
        // From here on `deinit` frees it, also when this initialiser throws.
        pointer = made
        // A NUL would end the text for libcurl and not for us; it refuses the other control characters itself.
        guard !text.utf8.contains(0) else { throw HTTPError(.invalidRequest, "the URL holds a NUL") }
        let code = curl_url_set(made, CURLUPART_URL, text, UInt32(CURLU_DISALLOW_USER | CURLU_NON_SUPPORT_SCHEME))
        guard code == CURLUE_OK else {
            throw HTTPError(.invalidRequest, "the URL is malformed: \(String(cString: curl_url_strerror(code)))")
        }
        guard let scheme = part(CURLUPART_SCHEME), schemes.contains(scheme) else {
            throw HTTPError(.invalidRequest, "the URL is neither \(schemes.joined(separator: " nor "))")
        }
        guard let host = part(CURLUPART_HOST), !host.isEmpty else {
            throw HTTPError(.invalidRequest, "the URL has no host")
        }
    }

    deinit {
        curl_url_cleanup(pointer)
    }

    private func part(_ part: CURLUPart) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(pointer, part, &text, 0) == CURLUE_OK, let text else { return nil }
        defer { curl_free(text) }
        return String(cString: text)
    }
}
