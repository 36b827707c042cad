// An extension that knows nothing of containers, and makes a terminal as most do.
const vscode = require("vscode");

exports.activate = (context) => {
  context.subscriptions.push(
    vscode.commands.registerCommand("other.terminal", () => {
      const terminal = vscode.window.createTerminal("other");
      terminal.show();
      terminal.sendText("echo made by another on $(hostname) in $(pwd) .");
    }),
  );
};
