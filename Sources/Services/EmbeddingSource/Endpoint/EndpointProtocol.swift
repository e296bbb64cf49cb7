import FrameModel
import HTTPWire
import JSONTree

/// The requests and answers of `POST /embeddings` as OpenAI specified it, and many others serve it.
///
/// Sent are a model and an array of texts, and vectors come back as `data: [{index, embedding}]`, in any order. A model
/// whose vectors are longer than a frame has room for is asked for shorter ones by `dimensions`, which models that are
/// trained for that take.
struct EndpointProtocol: Sendable {
    /// Largest answer: a full batch of vectors that are too long.
    private static let maximumAnswerBytes = 16 << 20

    /// What came of a request.
    enum Answer: Sendable, Equatable {
        /// One vector of length 1 for each text, in order; nil for one without a direction.
        case vectors([[Float]?])
        /// The vectors have so many values, which is too many.
        case tooLong(Int)
        /// The endpoint does not take this request, and might take another.
        case refused(status: Int)
        /// It takes none like it: the key, the model or the address is wrong.
        case denied(status: Int)
        /// It can't answer now; when it says when, in so many seconds.
        case busy(status: Int, seconds: Int?)
        /// What came is no answer.
        case malformed(String)
    }

    let url: String
    let apiKey: String?
    let model: String
    let timeout: Duration

    func request(_ texts: ArraySlice<EmbeddedText>, dimensions: Int?) -> HTTPRequest {
        var writer = JSONWriter()
        writer.object { object in
            object.member("model", model)
            object.key("input")
            object.array { for text in texts { $0.string(String(decoding: text.bytes, as: UTF8.self)) } }
            object.member("encoding_format", "float")
            if let dimensions { object.member("dimensions", dimensions) }
        }
        var headers: [HTTPRequest.Header] = [
            ("content-type", "application/json"), ("accept", "application/json"), ("user-agent", "collider"),
        ]
        if let apiKey { headers.append(("authorization", "Bearer \(apiKey)")) }
        return HTTPRequest(
            "POST", url, headers: headers, body: writer.bytes, timeout: timeout,
            maximumResponseBytes: Self.maximumAnswerBytes)
    }

    func answer(_ response: HTTPResponse, to count: Int) -> Answer {
        switch response.status {
        case 200..<300: return Self.vectors(response, count)
        case 400, 413, 422: return .refused(status: response.status)
        case 408, 425, 429, 500...:
            return .busy(status: response.status, seconds: response.header("retry-after").flatMap { Int($0) })
        default: return .denied(status: response.status)
        }
    }

    private static func vectors(_ response: HTTPResponse, _ count: Int) -> Answer {
        guard !response.isTruncated, let root = try? JSONDocument(response.body).root, let data = root["data"],
            data.kind == .array
        else { return .malformed("the answer is no list of embeddings") }
        guard data.count == count else { return .malformed("\(count) texts were sent, and \(data.count) came back") }
        var vectors = [[Float]??](repeating: nil, count: count)
        var length: Int?
        for item in data.elements {
            guard let index = item["index"]?.int64.flatMap({ Int(exactly: $0) }), vectors.indices.contains(index),
                vectors[index] == nil, let values = item["embedding"], values.kind == .array, values.count > 0
            else { return .malformed("an embedding has no place or no values") }
            guard values.count == length ?? values.count else {
                return .malformed("the embeddings differ in length")
            }
            length = values.count
            guard values.count <= Frame.dimensions else { return .tooLong(values.count) }
            let numbers = values.elements.compactMap { $0.double.map { Float($0) } }
            guard numbers.count == values.count else {
                return .malformed("an embedding has values that are no numbers")
            }
            vectors[index] = .some(unit(numbers))
        }
        return .vectors(vectors.map { $0 ?? nil })
    }

    /// The vector at length 1; nil when it has no direction.
    private static func unit(_ vector: [Float]) -> [Float]? {
        let length = vector.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
        guard length.isFinite, length > 1e-30 else { return nil }
        return vector.map { Float(Double($0) / length) }
    }
}
