import Testing

@testable import FrameBufferServer

@Suite("What a caller accepts")
struct AcceptedFormTests {
    @Test(
        "JSON goes to who names it, and to who does not care",
        arguments: [
            [], ["*/*"], ["application/json"], ["application/*"], ["text/html, */*;q=0.8"],
            ["Application/JSON ; q=0.5"],
            ["image/*;q=0.4, application/json;q=0.5"], ["image/*;q=0, */*"], ["text/plain", "application/json"],
        ]
    )
    func json(headers: [String]) {
        #expect(AcceptedForm(headers) == .json)
    }

    @Test(
        "The payload's bytes go to who names them, unless JSON is preferred",
        arguments: [
            ["image/*"], ["image/jpeg"], ["application/octet-stream"], ["IMAGE/PNG;q=0.1"],
            ["image/*, application/json"],
            ["image/webp, */*;q=0.8"], ["text/html", "image/*"], ["application/json;q=0, image/*;q=0.1"],
        ]
    )
    func payload(headers: [String]) {
        #expect(AcceptedForm(headers) == .payload)
    }

    @Test(
        "Who accepts neither is told so",
        arguments: [
            ["text/html"], ["video/mp4"], ["application/json;q=0"], ["*/*;q=0"], ["application/json;q=0, */*"], [""],
        ]
    )
    func neither(headers: [String]) {
        #expect(AcceptedForm(headers) == nil)
    }

    @Test("A media type is its name, in lower case and without parameters or blanks")
    func mediaTypes() {
        #expect(MediaType("IMAGE/JPEG; charset=binary").name == "image/jpeg")
        #expect(MediaType(" application/json ;charset=utf-8").name == "application/json")
        #expect(MediaType("").name == "")
    }

    @Test("What is not printable ASCII is percent-encoded in a header's value, and the percent sign too")
    func headerText() {
        #expect(HeaderText.encoded("cam 01/a-b~") == "cam 01/a-b~")
        #expect(HeaderText.encoded("ä%\r\n\u{7F}\u{0}") == "%C3%A4%25%0D%0A%7F%00")
    }

    @Test("Two cores are served by one loop, many by no more than Redis can keep busy")
    func loops() {
        #expect([1, 2, 3, 4, 8, 16, 64].map(FrameBufferService.loops(cores:)) == [1, 1, 1, 2, 4, 4, 4])
    }
}
