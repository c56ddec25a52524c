-- Active Directory as a linked server of SQL Server (provider ADSDSOObject), for DBAs who want to ask it from T-SQL.
-- `recon sql script linked-server` prints this file. Run it with sqlcmd, or in SSMS in SQLCMD mode (Query menu):
--
--     set RECON_AD_PASSWORD=…        (Windows; export on Linux. No password is ever written into this file)
--     sqlcmd -b -i linked-server.sql -v Server="dc1.contoso.example" Base="DC=contoso,DC=example" User="CONTOSO\svc-read" Login="CONTOSO\dba"
--
-- Server: a domain controller. Base: where to search. User: the account that reads, DOMAIN\name, UPN or full DN.
-- Login: the SQL Server login that may use the linked server; nobody else may. A quote in the password is doubled.
-- Needs ALTER ANY LINKED SERVER. Does not run inside a transaction.
--
-- Read this first. `recon load ad` reads the same directory by paging, whole and checked, into tables; this does not:
--   * a domain controller answers at most 1,000 objects a query (MaxPageSize), and the page size cannot be given here:
--     every query must be cut into slices that stay below, and must prove that none was cut (section 4);
--   * attributes with several values (memberOf, proxyAddresses, and description too) cannot be columns;
--   * constructed attributes (tokenGroups, msDS-User-Account-Control-Computed) cannot be searched for;
--   * OPENQUERY takes a literal: no variables, no parameters; quotes inside are doubled; * returns the path alone;
--   * LDAPS is LDAP://host:636/…, never LDAPS://.
-- Errors 7399 and "the user did not have the permission" have many causes: a misspelled DOMAIN in User, a wrong
-- password, a locked, expired or disabled account, a login without a mapping, a wrong base, a domain controller that
-- demands signing. Do not try again and again: each refused sign-in counts towards a lockout.
:on error exit
set nocount on
go
if N'$(Login)' = N'$' + N'(Login)'
begin
    raiserror (N'nothing was done: run this with sqlcmd, or in SSMS in SQLCMD mode', 16, 1)
    set noexec on
end
go

-- ---- 1. the linked server, without the mapping that SQL Server adds by itself -----------------------------------
-- sp_addlinkedserver maps every login to itself; SQL logins would then read as the service account. That mapping goes.
-- One that is there already may be in use by others: it is left alone, and nothing is done.
if exists (select 1 from sys.servers where name = N'ADSI')
begin
    raiserror (N'a linked server ADSI is there already: if nobody uses it, drop it (end of this file)', 16, 1)
    set noexec on
end
go
exec master.dbo.sp_addlinkedserver
    @server = N'ADSI',
    @srvproduct = N'Active Directory Services 2.5',
    @provider = N'ADSDSOObject',
    @datasrc = N'adsdatasource'
go
exec master.dbo.sp_droplinkedsrvlogin @rmtsrvname = N'ADSI', @locallogin = null
go

-- ---- 2. one login may use it, with an account that only reads ----------------------------------------------------
exec master.dbo.sp_addlinkedsrvlogin
    @rmtsrvname = N'ADSI',
    @useself = N'FALSE',
    @locallogin = N'$(Login)',
    @rmtuser = N'$(User)',
    @rmtpassword = N'$(RECON_AD_PASSWORD)'
go

-- ---- 3. both dialects --------------------------------------------------------------------------------------------
-- LDAP dialect: <base>;(filter);attributes;scope
select samaccountname, useraccountcontrol
from openquery(ADSI, '<LDAP://$(Server)/$(Base)>;(&(objectCategory=person)(objectClass=user)(sAMAccountName=a*));sAMAccountName,userAccountControl;subtree')
go
-- SQL dialect: every quote inside is doubled
select samaccountname, useraccountcontrol
from openquery(ADSI, 'SELECT sAMAccountName, userAccountControl FROM ''LDAP://$(Server)/$(Base)''
    WHERE objectCategory = ''person'' AND objectClass = ''user'' AND sAMAccountName = ''a*''')
go

-- ---- 4. all users in slices, and the proof that none was cut ------------------------------------------------------
-- One slice a first character, one for all others. A slice of 900 rows or more may have been cut: the script then fails
-- and says which. Put in its place, behind the loop: one slice for each longer beginning (aa*, ab* …), and one for what
-- has none of them, (&(sAMAccountName=a*)(!(sAMAccountName=aa*))(!(sAMAccountName=ab*))…), or a.smith is lost.
if object_id(N'tempdb..#linked_user') is not null drop table #linked_user
create table #linked_user (
    slice nvarchar(64) not null,
    samaccountname nvarchar(256) null,
    useraccountcontrol int null,
    grouptype int null,
    objectsid varbinary(68) null,
    objectguid varbinary(16) null,
    distinguishedname nvarchar(4000) null
)
declare @slice table (slice nvarchar(64) not null, filter nvarchar(2000) not null)
declare @letters nvarchar(64) = N'abcdefghijklmnopqrstuvwxyz0123456789', @place int = 1, @others nvarchar(2000) = N''
while @place <= len(@letters)
begin
    insert into @slice values (substring(@letters, @place, 1), N'(sAMAccountName=' + substring(@letters, @place, 1) + N'*)')
    set @others = @others + N'(!(sAMAccountName=' + substring(@letters, @place, 1) + N'*))'
    set @place = @place + 1
end
insert into @slice values (N'others', N'(&' + @others + N')')
declare @name nvarchar(64), @filter nvarchar(2000), @statement nvarchar(max), @message nvarchar(400)
declare slices cursor local fast_forward for select slice, filter from @slice
open slices
fetch next from slices into @name, @filter
while @@fetch_status = 0
begin
    set @statement = N'insert into #linked_user
        select N''' + @name + N''', sAMAccountName, userAccountControl, groupType, objectSid, objectGUID, distinguishedName
        from openquery(ADSI, ''<LDAP://$(Server)/$(Base)>;(&(objectCategory=person)(objectClass=user)' + @filter
        + N');sAMAccountName,userAccountControl,groupType,objectSid,objectGUID,distinguishedName;subtree'')'
    exec sp_executesql @statement
    fetch next from slices into @name, @filter
end
close slices
deallocate slices
set @message = null
select @message = isnull(@message + N', ', N'') + s.slice
from (select slice from #linked_user group by slice having count(*) >= 900) as s
if @message is not null
begin
    set @message = N'these slices have 900 rows or more and may have been cut: ' + @message
    raiserror (N'%s', 16, 1, @message)
end
go

-- ---- 5. decoded with the functions of sql/functions/mssql.sql (install them first) --------------------------------
-- (useraccountcontrol & 2) = 2 is disabled; objectSid and objectGUID come as varbinary.
select
    u.samaccountname,
    case when (u.useraccountcontrol & 2) = 2 then 1 else 0 end as is_disabled,
    s.value as sid,
    g.value as guid
from #linked_user as u
    cross apply sid_text_inline(u.objectsid) as s
    cross apply guid_text_inline(u.objectguid) as g
go

set noexec off
go

-- ---- to take it all away ------------------------------------------------------------------------------------------
-- exec master.dbo.sp_dropserver @server = N'ADSI', @droplogins = 'droplogins'
