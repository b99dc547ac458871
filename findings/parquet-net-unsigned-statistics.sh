#!/usr/bin/env bash
# Parquet.Net 6.1.0 reads the statistics of unsigned 32- and 64-bit columns as signed numbers.
#
# The file is right: its bounds are unsigned, and DuckDB 1.5.6 (whose own reader is used below as the witness) prints them so. But
# ParquetRowGroupReader.GetStatistics hands out a boxed Int64 or Int32 of the same bits, so the highest address 0xfffffffffffff000 of a
# trace is "max -4096", below its own "min 5". Who skips row groups by these bounds skips those that hold what is looked for, without an
# error. Columns of 8 and 16 bits come out right, as Int32. So Aperture never looks at the statistics of address columns.
#
# Seen 2026-11-30 with Parquet.Net 6.1.0, DuckDB.NET.Data.Full 1.5.6.1, .NET 10.0:
#   UInt64 library 5..-4096 Int64; file 5..18446744073709547520; rows above 2^63: 1
#   UInt32 library 5..-4096 Int32; file 5..4294963200; rows above 2^31: 1
#   UInt16 library 5..61440 Int32; file 5..61440; rows above 2^15: 1
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >f.csproj <<'X'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings></PropertyGroup>
  <ItemGroup>
    <PackageReference Include="Parquet.Net" Version="[6.1.0]" />
    <PackageReference Include="DuckDB.NET.Data.Full" Version="[1.5.6.1]" />
  </ItemGroup>
</Project>
X
cat >Program.cs <<'X'
using DuckDB.NET.Data;
using Parquet;
using Parquet.Schema;

await Show<ulong>([0xffff_ffff_ffff_f000, 5], 63);
await Show<uint>([0xffff_f000, 5], 31);
await Show<ushort>([0xf000, 5], 15);

static async Task Show<T>(T[] addresses, int half)
    where T : struct
{
    var field = new DataField<T>("address");
    var path = typeof(T).Name + ".parquet";
    await using (var file = File.Create(path))
    await using (var writer = await ParquetWriter.CreateAsync(new ParquetSchema(field), file))
    using (var group = writer.CreateRowGroup())
        await group.WriteAsync<T>(field, addresses);

    await using var reader = await ParquetReader.CreateAsync(path);
    using var rows = reader.OpenRowGroupReader(0);
    var seen = rows.GetStatistics(field)!;
    using var connection = new DuckDBConnection("Data Source=:memory:");
    connection.Open();
    using var command = connection.CreateCommand();
    command.CommandText = $"SELECT stats_min_value, stats_max_value, (SELECT count(*) FROM '{path}' WHERE address >= {1ul << half}) "
        + $"FROM parquet_metadata('{path}')";
    using var answer = command.ExecuteReader();
    answer.Read();
    Console.WriteLine($"{typeof(T).Name} library {seen.MinValue}..{seen.MaxValue} {seen.MaxValue!.GetType().Name}; "
        + $"file {answer.GetValue(0)}..{answer.GetValue(1)}; rows above 2^{half}: {answer.GetValue(2)}");
}
X
dotnet run -c Release >out 2>log || { cat log out; exit 1; }
cat out
diff - out <<'X'
UInt64 library 5..-4096 Int64; file 5..18446744073709547520; rows above 2^63: 1
UInt32 library 5..-4096 Int32; file 5..4294963200; rows above 2^31: 1
UInt16 library 5..61440 Int32; file 5..61440; rows above 2^15: 1
X
