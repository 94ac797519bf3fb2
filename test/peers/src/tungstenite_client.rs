//! Plays the scenario of `test/clients` with tungstenite: `tungstenite-client ws://…`.

use std::env;
use std::net::TcpStream;

use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Error, Message, WebSocket, client};

const MIB: usize = 1024 * 1024;

struct Client {
    socket: WebSocket<TcpStream>,
    /// The subprotocol that was agreed on.
    protocol: Option<String>,
}

impl Client {
    fn connect(base: &str, path: &str, protocols: &str) -> Result<Client, Error> {
        let mut request = format!("{base}{path}").into_client_request()?;
        let host = request.uri().authority().expect("an address").to_string();
        if !protocols.is_empty() {
            let protocols = protocols.parse().expect("a header");
            request.headers_mut().insert("sec-websocket-protocol", protocols);
        }
        let stream = TcpStream::connect(host)?;
        let (socket, response) = client(request, stream).map_err(|refused| match refused {
            tungstenite::HandshakeError::Failure(error) => error,
            tungstenite::HandshakeError::Interrupted(_) => unreachable!("the stream blocks"),
        })?;
        let protocol = response.headers().get("sec-websocket-protocol");
        let protocol = protocol.and_then(|protocol| protocol.to_str().ok()).map(str::to_owned);
        Ok(Client { socket, protocol })
    }

    fn send(&mut self, message: impl Into<Message>) {
        self.socket.send(message.into()).expect("the server reads");
    }

    /// The next message that is for the client itself. Pings are answered on the way.
    fn next(&mut self) -> Message {
        loop {
            match self.socket.read().expect("a message comes") {
                Message::Ping(_) => {}
                message => return message,
            }
        }
    }

    /// Reads on to the end of the connection: the code and the reason of the close frame.
    fn closed(mut self) -> Value {
        let frame = loop {
            if let Message::Close(frame) = self.next() {
                break frame.expect("it has a code");
            }
        };
        while self.socket.read().is_ok() {}
        json!([u16::from(frame.code), frame.reason.as_str()])
    }
}

fn echo(base: &str) -> Vec<Value> {
    let mut echo = Client::connect(base, "/echo", "first, second").expect("it is let in");
    let mut seen = vec![json!(["protocol", echo.protocol])];
    echo.send("héllo");
    seen.push(json!(["text", echo.next().into_text().expect("text").as_str()]));
    echo.send(Message::binary(vec![1, 2, 255]));
    seen.push(json!(["bytes", echo.next().into_data().to_vec()]));
    let long = "0123456789abcdef".repeat(MIB / 16);
    echo.send(long.as_str());
    seen.push(json!(["a long text", echo.next() == Message::text(long)]));
    let frame = CloseFrame { code: CloseCode::from(4002), reason: "done".into() };
    echo.socket.close(Some(frame)).expect("it is open");
    seen.push(json!(["closed by the client", echo.closed()]));
    seen
}

fn news(base: &str) -> Vec<Value> {
    let mut news = Client::connect(base, "/news", "").expect("it is let in");
    news.send("go");
    let mut in_order = 0;
    while in_order < 1000 && news.next() == Message::text(format!("message {in_order}")) {
        in_order += 1;
    }
    news.send("bye");
    vec![json!(["messages in order", in_order]), json!(["closed by the server", news.closed()])]
}

fn is_refused(base: &str) -> bool {
    let answer = Client::connect(base, "/secret", "");
    matches!(answer, Err(Error::Http(response)) if response.status() == 401)
}

fn shut_down(base: &str) -> Value {
    let mut last = Client::connect(base, "/news", "").expect("it is let in");
    last.send("shut down");
    last.closed()
}

fn main() {
    let base = env::args().nth(1).expect("usage: tungstenite-client ws://…");
    let mut seen = echo(&base);
    seen.extend(news(&base));
    seen.push(json!(["refused", is_refused(&base)]));
    seen.push(json!(["at the shutdown", shut_down(&base)]));
    println!("{}", Value::from(seen));
}
