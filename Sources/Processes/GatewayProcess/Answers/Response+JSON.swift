import EventModel
import HTTPTypes
import Hummingbird
import JSONTree
import Runtime

extension Response {
    /// An object as the body.
    static func json(
        _ status: HTTPResponse.Status = .ok, headers: HTTPFields = [:], _ body: (inout JSONWriter) throws -> Void
    ) rethrows -> Response {
        var writer = JSONWriter()
        try writer.object(body)
        return json(status, headers: headers, bytes: writer.bytes)
    }

    /// Finished JSON as the body.
    static func json(_ status: HTTPResponse.Status = .ok, headers: HTTPFields = [:], bytes: [UInt8]) -> Response {
        var headers = headers
        headers[.contentType] = "application/json"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    /// A page of a list: `{"data": […], "next_cursor": … | null}`.
    static func list<Item>(_ page: Page<Item>, _ write: (Item, inout JSONWriter) -> Void) -> Response {
        json { body in
            body.key("data")
            body.array { data in
                for item in page.items { write(item, &data) }
            }
            body.member("next_cursor", page.nextCursor)
        }
    }
}

extension GatewayContext {
    /// The `{id}` of the path.
    ///
    /// - Throws: `not-found`, because what is no UUID is no id of anything.
    func pathID(_ what: String) throws -> UniqueID {
        guard let text = parameters.get("id"), let id = UniqueID(text) else {
            throw Problem.notFound("\(what) of that id")
        }
        return id
    }

    /// A parameter of the path, percent-decoded.
    func pathText(_ name: String) throws -> String {
        guard let text = parameters.get(name)?.percentDecoded(), !text.isEmpty else {
            throw Problem(.malformedRequest, "the path is not percent-encoded UTF-8")
        }
        return text
    }
}
