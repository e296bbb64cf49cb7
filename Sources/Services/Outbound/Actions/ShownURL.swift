import ActionModel
import Runtime

/// A URL as it is kept and shown: without the values of parameters whose names say that they are credentials.
enum ShownURL {
    static func text(_ url: String) -> String {
        guard let question = url.firstIndex(of: "?") else { return url }
        let (base, query) = (url[...question], url[url.index(after: question)...])
        let parameters = query.split(separator: "&", omittingEmptySubsequences: false).map { parameter -> String in
            guard let (name, _) = credential(parameter) else { return String(parameter) }
            return "\(name)=\(SecretMask.dots)"
        }
        return String(base) + parameters.joined(separator: "&")
    }

    /// Those values, as they stand in the URL and decoded.
    static func secrets(in url: String) -> [String] {
        guard let question = url.firstIndex(of: "?") else { return [] }
        return url[url.index(after: question)...].split(separator: "&").flatMap { parameter -> [String] in
            guard let (_, value) = credential(parameter) else { return [] }
            return [String(value), String(value).percentDecoded() ?? String(value)]
        }
    }

    private static func credential(_ parameter: Substring) -> (name: Substring, value: Substring)? {
        guard let equals = parameter.firstIndex(of: "=") else { return nil }
        let (name, value) = (parameter[..<equals], parameter[parameter.index(after: equals)...])
        let known = SecretMask.covers(parameter: String(name).percentDecoded() ?? String(name))
        return known && !value.isEmpty ? (name, value) : nil
    }
}
