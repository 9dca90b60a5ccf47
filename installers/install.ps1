<#
.SYNOPSIS
Install cco for this user: no administrator, nothing outside the prefix and this user's own folders.

.DESCRIPTION
    irm https://github.com/cco-dev/cco/releases/latest/download/install.ps1 | iex
    .\install.ps1 [-Version X.Y.Z] [-Prefix DIR] [-DryRun]
    .\install.ps1 -File .\cco-X.Y.Z-windows-x86_64.exe [-Sha256 HEX]
    .\install.ps1 -Uninstall [-Prefix DIR] [-Purge]

The program is downloaded into a folder of its own and compared with the release's SHA256SUMS before
anything of it runs. Nothing happens before the last line of this file has arrived.

Exit codes: 0 done, 1 the program could not install itself, 2 the command line makes no sense,
3 no release for this system, 5 the download failed, 6 wrong or missing checksum, 7 a folder cannot
be written, 8 the program does not run here. Piped into iex it throws instead.

.PARAMETER Version
This version instead of the newest.
.PARAMETER Prefix
Install as DIR\cco.exe instead of %LOCALAPPDATA%\Programs\cco\cco.exe.
.PARAMETER File
Install this downloaded file; SHA256SUMS must lie beside it, or -Sha256 be given.
.PARAMETER Sha256
The checksum to demand, with -File or -Version.
.PARAMETER Uninstall
Stop the daemon and remove everything that was installed or made.
.PARAMETER Purge
With -Uninstall: your settings and specialists, too.
.PARAMETER DryRun
Only say what would be done.
#>
param(
    [string] $Version = '',
    [string] $Prefix = '',
    [string] $File = '',
    [string] $Sha256 = '',
    [switch] $Uninstall,
    [switch] $Purge,
    [switch] $DryRun
)

function Stop-CcoInstall([int] $Code, [string] $Message) {
    $failure = New-Object System.Exception $Message
    $failure.Data['CcoExitCode'] = $Code
    throw $failure
}

function Test-CcoChecksum([string] $Text) {
    return $Text -match '^[0-9a-fA-F]{64}$'
}

function Assert-CcoArguments([hashtable] $Asked) {
    if ($Asked.Rest) { Stop-CcoInstall 2 "unknown argument $($Asked.Rest[0]); see Get-Help .\install.ps1" }
    if ($Asked.Version -and $Asked.Version -notmatch '^[0-9A-Za-z.-]+$') {
        Stop-CcoInstall 2 '-Version takes a version such as 1.2.3'
    }
    if ($Asked.Sha256 -and -not (Test-CcoChecksum $Asked.Sha256)) {
        Stop-CcoInstall 2 '-Sha256 takes 64 hexadecimal digits'
    }
    if ($Asked.Sha256 -and -not ($Asked.File -or $Asked.Version)) {
        Stop-CcoInstall 2 '-Sha256 goes with -File or -Version'
    }
    if ($Asked.File -and $Asked.Version) { Stop-CcoInstall 2 '-File and -Version exclude each other' }
    if ($Asked.Purge -and -not $Asked.Uninstall) { Stop-CcoInstall 2 '-Purge goes with -Uninstall' }
    if ($Asked.Uninstall -and ($Asked.Version -or $Asked.File)) {
        Stop-CcoInstall 2 '-Uninstall takes no options but -Prefix, -Purge and -DryRun'
    }
}

function Get-CcoPlatform {
    if ($PSVersionTable.ContainsKey('Platform') -and $PSVersionTable.Platform -ne 'Win32NT') {
        Stop-CcoInstall 3 'this is not Windows: use install.sh'
    }
    $processor = $env:PROCESSOR_ARCHITECTURE
    if ($env:PROCESSOR_ARCHITEW6432) { $processor = $env:PROCESSOR_ARCHITEW6432 } # a 32-bit PowerShell
    if ($processor -eq 'AMD64') { return 'windows-x86_64' }
    if ($processor -eq 'ARM64' -and [Environment]::OSVersion.Version.Build -ge 22000) {
        return 'windows-x86_64' # Windows 11 runs it
    }
    Stop-CcoInstall 3 "there is no cco for $processor processors on this Windows"
}

function Get-CcoBase {
    $base = 'https://github.com/cco-dev/cco/releases'
    if ($env:CCO_RELEASE_BASE) { $base = $env:CCO_RELEASE_BASE.TrimEnd('/') }
    $uri = $null
    $valid = [Uri]::TryCreate($base, [UriKind]::Absolute, [ref] $uri) -and -not ($uri.UserInfo -or $uri.Query)
    if (-not $valid -or -not ($uri.Scheme -eq 'https' -or ($uri.Scheme -eq 'http' -and $uri.IsLoopback))) {
        Stop-CcoInstall 2 'CCO_RELEASE_BASE must be an https address'
    }
    return $base
}

function Save-CcoFile([string] $Address, [string] $Path) {
    $ProgressPreference = 'SilentlyContinue' # drawing it takes longer than the download
    $protocols = [Net.ServicePointManager]::SecurityProtocol
    try {
        [Net.ServicePointManager]::SecurityProtocol = $protocols -bor [Net.SecurityProtocolType]::Tls12
        Invoke-WebRequest -UseBasicParsing -Uri $Address -OutFile $Path -MaximumRedirection 5 -TimeoutSec 300
    } catch {
        Stop-CcoInstall 5 "$Address could not be downloaded: $($_.Exception.Message)"
    } finally {
        [Net.ServicePointManager]::SecurityProtocol = $protocols
    }
}

function Read-CcoChecksums([string] $Path) {
    foreach ($line in [IO.File]::ReadAllLines($Path)) {
        if ($line -match '^([0-9a-fA-F]{64}) [ *](\S+)$') {
            [pscustomobject] @{ Sum = $Matches[1]; Name = $Matches[2] }
        }
    }
}

function Find-CcoChecksum([string] $Path, [string] $Name) {
    $lines = @(Read-CcoChecksums $Path | Where-Object { $_.Name -ceq $Name })
    if ($lines.Count -ne 1) {
        Stop-CcoInstall 6 "$Path has no checksum, or more than one, for $Name"
    }
    return $lines[0].Sum
}

function Find-CcoNewest([string] $Path, [string] $Platform) {
    $pattern = '^cco-([0-9A-Za-z.-]+)-' + [regex]::Escape($Platform) + '\.exe$'
    $names = @(Read-CcoChecksums $Path | Where-Object { $_.Name -cmatch $pattern })
    if ($names.Count -ne 1) {
        Stop-CcoInstall 3 "the newest release has no cco for $Platform, or its SHA256SUMS makes no sense"
    }
    return [regex]::Match($names[0].Name, $pattern).Groups[1].Value
}

function Assert-CcoFile([string] $Path, [string] $Expected, [string] $Title) {
    $actual = (Get-FileHash -LiteralPath $Path -Algorithm SHA256).Hash
    if ($actual -ne $Expected) { # letter case does not count
        Stop-CcoInstall 6 "$Title is not what was released (SHA-256 $actual, expected $Expected); nothing was installed"
    }
}

function Resolve-CcoDownload([hashtable] $Asked, [string] $Platform, [string] $Temp) {
    $base = Get-CcoBase
    $version = $Asked.Version -replace '^v', ''
    $sums = Join-Path $Temp 'SHA256SUMS'
    if (-not $version) {
        Save-CcoFile "$base/latest/download/SHA256SUMS" $sums
        $version = Find-CcoNewest $sums $Platform
    } elseif (-not $Asked.Sha256) {
        Save-CcoFile "$base/download/v$version/SHA256SUMS" $sums
    }
    $title = "cco-$version-$Platform.exe"
    $expected = $Asked.Sha256
    if (-not $expected) { $expected = Find-CcoChecksum $sums $title }
    return @{ Title = $title; Expected = $expected; Address = "$base/download/v$version/$title" }
}

function Resolve-CcoFile([hashtable] $Asked) {
    if (-not (Test-Path -LiteralPath $Asked.File -PathType Leaf)) {
        Stop-CcoInstall 2 "-File: $($Asked.File) is not a file"
    }
    $path = (Resolve-Path -LiteralPath $Asked.File).ProviderPath
    $title = Split-Path -Leaf $path
    $expected = $Asked.Sha256
    if (-not $expected) {
        $sums = Join-Path (Split-Path -Parent $path) 'SHA256SUMS'
        if (-not (Test-Path -LiteralPath $sums -PathType Leaf)) {
            Stop-CcoInstall 6 "$sums is missing: download it from the same release, or give -Sha256 HEX"
        }
        $expected = Find-CcoChecksum $sums $title
    }
    return @{ Title = $title; Expected = $expected; Path = $path }
}

function Invoke-CcoProgram([string] $Program, [string[]] $Arguments, [int] $Code, [string] $Message) {
    $ErrorActionPreference = 'Continue' # what it writes to its standard error is no error of ours
    $global:LASTEXITCODE = -1
    try {
        & $Program @Arguments
    } catch {
        Stop-CcoInstall $Code "${Message}: $($_.Exception.Message)"
    }
    if ($LASTEXITCODE -ne 0) { Stop-CcoInstall $Code "$Message (exit status $LASTEXITCODE)" }
}

function Get-CcoPrefixArguments([hashtable] $Asked) {
    if (-not $Asked.Prefix) { return @() }
    return @('--prefix', $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Asked.Prefix))
}

function Uninstall-Cco([hashtable] $Asked) {
    $prefix = $Asked.Prefix
    if (-not $prefix) { $prefix = Join-Path $env:LOCALAPPDATA 'Programs\cco' }
    $program = Join-Path $prefix 'cco.exe'
    if (-not (Test-Path -LiteralPath $program -PathType Leaf)) {
        Stop-CcoInstall 1 "there is no ${program}; name the folder that you installed to: -Prefix DIR"
    }
    $arguments = @('install', '--uninstall') + @(Get-CcoPrefixArguments $Asked)
    if ($Asked.Purge) { $arguments += '--purge' }
    if ($Asked.DryRun) { $arguments += '--dry-run' }
    Invoke-CcoProgram $program $arguments 1 "$program could not uninstall itself"
}

function Install-CcoFrom([hashtable] $Asked, [string] $Platform, [string] $Temp) {
    if ($Asked.File) {
        $wanted = Resolve-CcoFile $Asked
        Assert-CcoFile $wanted.Path $wanted.Expected $wanted.Title
    } else {
        $wanted = Resolve-CcoDownload $Asked $Platform $Temp
    }
    if ($Asked.DryRun) {
        "would install $($wanted.Title)"
        if (-not $Asked.File) { "from $($wanted.Address)" }
        "with SHA-256 $($wanted.Expected)"
        return
    }
    $candidate = Join-Path $Temp 'cco.exe'
    if ($Asked.File) {
        Copy-Item -LiteralPath $wanted.Path -Destination $candidate
    } else {
        Save-CcoFile $wanted.Address $candidate
    }
    Assert-CcoFile $candidate $wanted.Expected $wanted.Title # what runs is what was verified
    Unblock-File -LiteralPath $candidate
    Invoke-CcoProgram $candidate @('version') 8 "$($wanted.Title) does not run here"
    $arguments = @('install') + @(Get-CcoPrefixArguments $Asked)
    Invoke-CcoProgram $candidate $arguments 1 "$($wanted.Title) could not install itself"
}

function Install-Cco([hashtable] $Asked) {
    $ErrorActionPreference = 'Stop'
    Assert-CcoArguments $Asked
    $platform = Get-CcoPlatform
    if ($Asked.Uninstall) {
        Uninstall-Cco $Asked
        return
    }
    $temp = Join-Path ([IO.Path]::GetTempPath()) ('cco-install-' + [Guid]::NewGuid().ToString('N'))
    try {
        [void] (New-Item -ItemType Directory -Path $temp)
    } catch {
        Stop-CcoInstall 7 "no folder can be made in $([IO.Path]::GetTempPath()): $($_.Exception.Message)"
    }
    try {
        Install-CcoFrom $Asked $platform $temp
    } finally {
        Remove-Item -LiteralPath $temp -Recurse -Force -ErrorAction SilentlyContinue
    }
}

function Start-CcoInstall([hashtable] $Asked, [string] $Script) {
    try {
        Install-Cco $Asked
    } catch {
        $code = 1
        if ($_.Exception.Data.Contains('CcoExitCode')) { $code = $_.Exception.Data['CcoExitCode'] }
        if (-not $Script) { throw "install.ps1: error: $($_.Exception.Message)" } # iex: leave the session open
        [Console]::Error.WriteLine("install.ps1: error: $($_.Exception.Message)")
        exit $code
    }
}

Start-CcoInstall @{
    Version = $Version; Prefix = $Prefix; File = $File; Sha256 = $Sha256; Rest = $args
    Uninstall = [bool] $Uninstall; Purge = [bool] $Purge; DryRun = [bool] $DryRun
} $PSCommandPath
