import JSONTree

extension LLMAction {
    /// Writes the question that would be asked, members of a preview; the model is named where the action names it.
    func writePreview(for firing: Firing, to writer: inout JSONWriter) throws(RenderingError) {
        let chat = try chat(for: firing, model: "the installation's")
        writer.key("request")
        writer.object {
            $0.member("method", "chat/completions")
            ActionDefinition.write(body: chat.body, to: &$0)
        }
    }
}
