// Binds T-SQL against Microsoft's model of SQL Server 2016 (DacFx): syntax, and every name of an object or column.
// Usage: check FILE.sql...   Objects of all files stand in one model, in the order given. See README.md beside this.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Microsoft.SqlServer.Dac.Model;
using Microsoft.SqlServer.TransactSql.ScriptDom;

class Statements : TSqlFragmentVisitor
{
    public readonly List<TSqlStatement> Objects = new List<TSqlStatement>();
    public readonly List<TSqlStatement> Others = new List<TSqlStatement>();
    public readonly List<string> Dynamic = new List<string>();

    public override void ExplicitVisit(CreateTableStatement node) { Objects.Add(node); }
    public override void ExplicitVisit(AlterTableAddTableElementStatement node) { Objects.Add(node); }
    public override void ExplicitVisit(CreateIndexStatement node) { Objects.Add(node); }
    public override void ExplicitVisit(CreateViewStatement node) { Objects.Add(node); }
    public override void ExplicitVisit(CreateOrAlterViewStatement node) { Objects.Add(node); }
    public override void ExplicitVisit(CreateFunctionStatement node) { Objects.Add(node); }
    public override void ExplicitVisit(CreateProcedureStatement node) { Objects.Add(node); }
    public override void ExplicitVisit(CreateRoleStatement node) { Objects.Add(node); }

    public override void ExplicitVisit(SelectStatement node) { Others.Add(node); }
    public override void ExplicitVisit(InsertStatement node) { Others.Add(node); }
    public override void ExplicitVisit(UpdateStatement node) { Others.Add(node); }
    public override void ExplicitVisit(DeleteStatement node) { Others.Add(node); }

    public override void ExplicitVisit(ExecuteStatement node)
    {
        var list = node.ExecuteSpecification.ExecutableEntity as ExecutableStringList;
        if (list != null && list.Strings.All(part => part is StringLiteral))
            Dynamic.Add(string.Concat(list.Strings.Select(part => ((StringLiteral)part).Value)));
    }
}

class Check
{
    static readonly TSqlModel model = new TSqlModel(SqlServerVersion.Sql130, new TSqlModelOptions());
    static int objects, others, messages;
    static bool isRefused;

    static void Say(string message) { messages++; Console.WriteLine(message); }

    static string Text(TSqlFragment part)
    {
        var tokens = part.ScriptTokenStream.Skip(part.FirstTokenIndex).Take(part.LastTokenIndex - part.FirstTokenIndex + 1);
        return string.Concat(tokens.Select(token => token.Text));
    }

    static void Add(string sql, string where)
    {
        if (isRefused) return; // a model that refused one statement takes no other
        try { model.AddObjects(sql); }
        catch (DacModelException error) { isRefused = true; Say(where + ": " + error.Message); }
    }

    static void Read(string sql, string file)
    {
        IList<ParseError> errors;
        var script = new TSql130Parser(true).Parse(new StringReader(sql), out errors);
        foreach (var error in errors) Say(file + ":" + error.Line + ": " + error.Message);
        if (script == null) return;
        var found = new Statements();
        script.Accept(found);
        foreach (var statement in found.Objects)
        {
            objects++;
            Add(Text(statement), file + ":" + statement.StartLine);
        }
        foreach (var statement in found.Others) // only what stands in an object is bound
        {
            others++;
            var where = file + ":" + statement.StartLine;
            Add("create procedure dbo.[" + where + " #" + others + "] as begin " + Text(statement) + " end", where);
        }
        foreach (var text in found.Dynamic) Read(text, file + " (exec)");
    }

    static int Main(string[] files)
    {
        foreach (var file in files) Read(File.ReadAllText(file), Path.GetFileName(file));
        foreach (var message in model.Validate()) Say(message.ToString());
        Console.WriteLine(objects + " objects, " + others + " statements, " + messages + " messages");
        return messages > 0 ? 1 : 0;
    }
}
