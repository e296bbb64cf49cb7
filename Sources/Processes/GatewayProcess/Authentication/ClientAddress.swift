import HTTPTypes
import Hummingbird
import TriggerEngine

/// Finds out where a request comes from.
///
/// That is the peer of the connection, unless it is a proxy that is trusted: then it is what that proxy says in
/// `X-Forwarded-For`, and so on from the last entry backwards. What a client wrote there itself stands before what the
/// first trusted proxy added, and is never reached.
struct ClientAddress: RouterMiddleware {
    typealias Context = GatewayContext

    private let proxies: [AddressBlock]

    /// - Parameter proxies: blocks of addresses, as the configuration has checked them.
    init(proxies: [String]) {
        self.proxies = proxies.compactMap { AddressBlock($0) }
    }

    func handle(
        _ request: Request, context: GatewayContext,
        next: @concurrent (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        context.address = resolve(
            peer: context.channel.remoteAddress?.ipAddress ?? "", forwarded: request.headers[values: .forwardedFor])
        return try await next(request, context)
    }

    /// - Parameter forwarded: the values of all `X-Forwarded-For` fields, in their order.
    func resolve(peer: String, forwarded: [String]) -> String {
        var address = peer
        for entry in forwarded.joined(separator: ",").split(separator: ",").reversed() {
            guard proxies.contains(where: { $0.contains(address) }) else { break }
            let text = entry.split(separator: " ").joined()
            // What is no address says nothing about who is behind it.
            guard !text.contains("/"), AddressBlock(text) != nil else { break }
            address = text
        }
        return address
    }
}

extension HTTPField.Name {
    /// `x-forwarded-for`, the custom of proxies.
    fileprivate static let forwardedFor = HTTPField.Name("x-forwarded-for")!
}
