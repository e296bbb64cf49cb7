import JSONTree

extension MCPAction {
    /// Writes the call that would be made, members of a preview, with credentials masked.
    func writePreview(for firing: Firing, to writer: inout JSONWriter) throws(RenderingError) {
        let call = try call(for: firing)
        writer.key("request")
        writer.object {
            $0.member("method", "tools/call")
            $0.member("url", call.url)
            $0.key("headers")
            $0.object {
                for (name, value) in call.headers {
                    $0.member(name, SecretMask.covers(header: name) ? SecretMask.dots : value)
                }
            }
            $0.member("tool", call.tool)
            ActionDefinition.write(body: call.arguments, to: &$0)
        }
    }
}
