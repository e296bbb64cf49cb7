import EventStore
import HTTPTypes
import Hummingbird

/// The API about itself: as OpenAPI for programs, and as a page for people.
struct InterfaceRoutes: Sendable {
    private static let documentPaths = ["/openapi.json", "/api/v1/openapi.json"]
    private static let pagePath = "/docs"

    /// What these routes are, which the document has to know before they can be added.
    static let declared = (documentPaths + [pagePath]).map { DeclaredRoute(.get, pattern: $0, scope: nil) }

    private let document: [UInt8]

    init(_ document: OpenAPIDocument) {
        self.document = document.bytes
    }

    func add(to routes: inout RouteTable) {
        for path in Self.documentPaths {
            routes.on(.get, path) { [document] request, _ in
                _ = try QueryParameters(request, knows: [])
                return .json(bytes: document)
            }
        }
        routes.on(.get, Self.pagePath) { request, _ in
            _ = try QueryParameters(request, knows: [])
            var generator = SystemRandomNumberGenerator()
            let nonce = String(generator.next(), radix: 36) + String(generator.next(), radix: 36)
            let page = DocumentationPage.html(nonce: nonce)
            return Response(
                status: .ok,
                headers: [
                    .contentType: "text/html; charset=utf-8",
                    .contentSecurityPolicy: DocumentationPage.policy(nonce: nonce),
                ],
                body: ResponseBody(byteBuffer: ByteBuffer(string: page)))
        }
    }
}
