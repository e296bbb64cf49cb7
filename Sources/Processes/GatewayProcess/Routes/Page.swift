/// A page of a list, and where the next begins.
struct Page<Item> {
    let items: [Item]
    let nextCursor: String?

    /// Makes a page whose end is known.
    init(items: [Item], nextCursor: String?) {
        self.items = items
        self.nextCursor = nextCursor
    }

    /// Makes a page of what a query for one item more than the limit found.
    ///
    /// - Parameter cursor: Where the list goes on after an item.
    init(_ found: [Item], limit: Int, cursor: (Item) -> String) {
        items = Array(found.prefix(limit))
        nextCursor = found.count > limit ? items.last.map(cursor) : nil
    }
}
