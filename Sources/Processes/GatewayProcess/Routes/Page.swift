/// A page of a list, and where the next begins.
struct Page<Item> {
    let items: [Item]
    let nextCursor: String?

    /// Makes a page of what a query for one item more than the limit found.
    ///
    /// - Parameters:
    ///   - isGrowing: Whether the list may go on after what is now its last item; then only an empty page has no
    ///   cursor.
    ///   - cursor: Where the list goes on after an item.
    init(_ found: [Item], limit: Int, isGrowing: Bool = false, cursor: (Item) -> String) {
        items = Array(found.prefix(limit))
        nextCursor = found.count > limit || isGrowing ? items.last.map(cursor) : nil
    }
}
